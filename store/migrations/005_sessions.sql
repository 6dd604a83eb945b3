-- On-demand transcodes: a place on a node, held while its node names it in heartbeats. A row that is gone is a place given back.
create table sessions (
  id uuid primary key,
  video_id uuid not null,
  version text not null,
  gateway_id text not null,
  node_id text not null references nodes (id) on delete cascade,
  incarnation uuid not null,
  device_id text not null,
  vram_mb integer not null check (vram_mb >= 0),
  started_at timestamptz not null default now(),
  lease_until timestamptz not null
);
create index sessions_node on sessions (node_id);

-- How many of them a node serves at the same time; 0: it does not know them.
alter table nodes add column session_limit integer not null default 0;
