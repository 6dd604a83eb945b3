-- Who uses which file, so that nothing is moved, replaced or deleted under a reader.
-- A file is 'video:<id>', or 'path:<library path>' where no video has it: a video keeps its id when its file gets another
-- name, and device and inode numbers mean something else on another host. All times are this server's.

-- Readers in a gateway: one row per start of a gateway and file, whatever the number of viewers; leased.
create table file_reads (
  file         text not null,
  gateway_id   uuid not null,
  gateway_name text not null,
  -- Digests of who watches, so that a viewer who comes to another gateway is known there.
  viewers      text[] not null default '{}',
  streams      integer not null default 0 check (streams >= 0),
  downloads    integer not null default 0 check (downloads >= 0),
  sessions     integer not null default 0 check (sessions >= 0),
  since        timestamptz not null default clock_timestamp(),
  lease_until  timestamptz not null,
  primary key (file, gateway_id)
) with (fillfactor = 50);
create index file_reads_gateway on file_reads (gateway_id);

-- Readers in jobs: the files an attempt's order names. They are held while the attempt is booked and its job's lease lasts.
alter table attempts add column reads text[] not null default '{}';

-- Writers: whoever waits to have files alone (the smallest ticket first), or has them. from_path and to_path are the two
-- names a file has while it is moved: what a crash leaves is repaired from them.
create table file_writes (
  ticket      bigint generated always as identity primary key,
  files       text[] not null,
  state       text not null check (state in ('waiting', 'held', 'cleaning')),
  action      text not null check (action in ('rename', 'delete', 'restore', 'move', 'replace')),
  actor       text not null,
  job_id      uuid references jobs (id) on delete cascade,
  epoch       integer,
  -- Streams that read the files are to end.
  reclaim     boolean not null default false,
  video_id    uuid,
  from_path   text,
  to_path     text,
  since       timestamptz not null default clock_timestamp(),
  lease_until timestamptz not null
);
create unique index file_writes_attempt on file_writes (job_id, epoch) where job_id is not null;
