-- Reelay's first schema. Times are timestamptz, sizes bytes, VRAM MB, ids UUID v7 made by the application.
-- Statuses are text with CHECK: the state table lives in contracts/src/job/status.ts.

create table users (
  id            uuid primary key,
  username      text not null,
  password_hash text not null,
  role          text not null check (role in ('SUPER_ADMIN', 'ADMIN', 'VIEWER')),
  created_at    timestamptz not null default now()
);
create unique index users_username on users (lower(username));

-- Sign-ins and API tokens: only SHA-256 of a token is stored.
create table user_tokens (
  id           uuid primary key,
  user_id      uuid not null references users (id) on delete cascade,
  kind         text not null check (kind in ('session', 'api')),
  name         text not null default '',
  token_hash   bytea not null unique,
  created_at   timestamptz not null default now(),
  last_used_at timestamptz,
  expires_at   timestamptz
);
create index user_tokens_user on user_tokens (user_id, kind);

create table videos (
  id               uuid primary key,
  title            text not null,
  filename         text not null,
  path             text not null,
  duration_seconds double precision,
  width            integer,
  height           integer,
  frame_rate       double precision,
  video_codec      text,
  audio_codec      text,
  bitrate          integer,
  size_bytes       bigint not null,
  orientation      text check (orientation in ('landscape', 'portrait', 'square')),
  valid            boolean,
  invalid_reason   text,
  thumbnail_path   text,
  is_public        boolean not null default false,
  reencode_job_id  uuid,
  source_video_id  uuid references videos (id) on delete set null,
  tags             text[] not null default '{}',
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  -- Identity of the file the facts were taken from.
  mtime_ms         bigint not null,
  inode            text not null default '',
  -- Normalised probe result (contracts: MediaInfo), null until probed.
  media            jsonb,
  rev              bigint not null default 1,
  deleted_at       timestamptz,
  trash_path       text
);
create unique index videos_path on videos (path) where deleted_at is null;
create index videos_created on videos (created_at desc, id desc) where deleted_at is null;

-- Packet index of a video (contracts: packet-index), made by `validate`; large, so kept beside the row.
create table video_indexes (
  video_id   uuid primary key references videos (id) on delete cascade,
  data       bytea not null,
  facts      jsonb not null,
  size_bytes bigint not null,
  mtime_ms   bigint not null,
  created_at timestamptz not null default now()
);

create table nodes (
  id             text primary key,
  name           text not null,
  incarnation    uuid not null,
  admin_state    text not null default 'active' check (admin_state in ('active', 'draining', 'cordoned')),
  health         text not null default 'healthy' check (health in ('healthy', 'silent', 'lost')),
  version        text not null,
  encoder        text,
  encoder_trials jsonb not null default '[]',
  ffmpeg_version text,
  limits         jsonb not null,
  labels         jsonb not null default '{}',
  library_id     text,
  load           jsonb not null,
  -- Placed jobs by category, changed in the transaction that places or settles.
  slots_cpu        integer not null default 0 check (slots_cpu >= 0),
  slots_gpu_encode integer not null default 0 check (slots_gpu_encode >= 0),
  slots_gpu_ai     integer not null default 0 check (slots_gpu_ai >= 0),
  registered_at  timestamptz not null default now(),
  last_seen_at   timestamptz not null default now(),
  -- Earlier starts of the agent: one that comes back after a newer one said hello stays out.
  past_incarnations uuid[] not null default '{}',
  rev            bigint not null default 1
);

create table devices (
  node_id       text not null references nodes (id) on delete cascade,
  id            text not null,
  device_index  integer not null,
  kind          text not null check (kind in ('nvidia', 'software')),
  name          text not null,
  total_mb      integer not null,
  free_mb       integer not null,
  booked_mb     integer not null default 0 check (booked_mb >= 0),
  utilization   double precision,
  temperature_c double precision,
  reported_at   timestamptz not null default now(),
  primary key (node_id, id)
);

create table jobs (
  id                  uuid primary key,
  type                text not null,
  status              text not null default 'pending'
                      check (status in ('pending', 'queued', 'running', 'completed', 'failed', 'cancelled', 'paused')),
  params              jsonb not null,
  progress            integer not null default 0 check (progress between 0 and 100),
  -- Last part of the log, kept inline when the job ends; the whole log is in job_log_chunks.
  log                 text not null default '',
  priority            integer not null default 5 check (priority between 1 and 10),
  -- Computed on read; the column of the source document stays null.
  queue_position      integer,
  waiting_reason      text,
  resource_category   text not null check (resource_category in ('cpu', 'gpu_encode', 'gpu_ai')),
  vram_required       integer not null default 0 check (vram_required >= 0),
  created_at          timestamptz not null default now(),
  started_at          timestamptz,
  completed_at        timestamptz,
  retry_count         integer not null default 0,
  max_retries         integer not null default 3,
  retry_after         timestamptz,

  rev                 bigint not null default 1,
  epoch               integer not null default 0,
  phase               text,
  status_message      text,
  cancel_requested_at timestamptz,
  cancel_requested_by text,
  lost_count          integer not null default 0,
  excluded_nodes      text[] not null default '{}',
  requirement_class   text not null default '',
  created_by          text,
  idempotency_key     text,
  labels              jsonb not null default '{}',
  error_code          text,
  error_message       text,
  video_id            uuid,
  -- The current attempt; null when there is none.
  node_id             text,
  incarnation         uuid,
  device_id           text,
  lease_until         timestamptz,
  -- Status from which the job was paused: 'running' = frozen on its node, still booked.
  paused_from         text check (paused_from in ('pending', 'queued', 'running')),

  constraint jobs_attempt_has_lease check (status not in ('queued', 'running') or (node_id is not null and lease_until is not null)),
  constraint jobs_final_has_time check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null))
);
alter table jobs set (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
-- The source document's index, for lists by status.
create index idx_jobs_status_priority on jobs (status, priority, created_at);
create index jobs_waiting on jobs (resource_category, priority, created_at, id) where status = 'pending';
create index jobs_leased on jobs (lease_until) where status in ('queued', 'running') or (status = 'paused' and node_id is not null);
create index jobs_node on jobs (node_id) where node_id is not null;
create index jobs_created on jobs (created_at desc, id desc);
create index jobs_video on jobs (video_id) where video_id is not null;

create table attempts (
  job_id        uuid not null references jobs (id) on delete cascade,
  epoch         integer not null,
  node_id       text not null,
  incarnation   uuid not null,
  device_id     text not null,
  category      text not null,
  vram_mb       integer not null,
  -- The work order as sent, so that a lost reply is answered by sending the same again.
  work_order    jsonb,
  placed_at     timestamptz not null default now(),
  started_at    timestamptz,
  ended_at      timestamptz,
  -- Slots and VRAM given back at; null = still booked.
  released_at   timestamptz,
  outcome       text check (outcome in ('completed', 'failed', 'cancelled', 'lost', 'released', 'refused')),
  error_code    text,
  error_message text,
  primary key (job_id, epoch)
);
create index attempts_booked on attempts (node_id, device_id) where released_at is null;

-- Log lines of an attempt in batches. seq is the cursor of a tail; line_offset makes a resent batch harmless.
-- The hub's own lines have offsets below 0 (before the attempt's) or from 2^40 (after them).
create table job_log_chunks (
  job_id      uuid not null references jobs (id) on delete cascade,
  epoch       integer not null,
  line_offset bigint not null,
  seq         bigint generated always as identity,
  lines       jsonb not null,
  created_at  timestamptz not null default now(),
  primary key (job_id, epoch, line_offset)
);
create index job_log_chunks_seq on job_log_chunks (job_id, seq);

-- Effect batches already applied, with the answer the agent got.
create table effect_batches (
  job_id     uuid not null references jobs (id) on delete cascade,
  epoch      integer not null,
  n          integer not null,
  reply      jsonb not null,
  applied_at timestamptz not null default now(),
  primary key (job_id, epoch, n)
);

-- Bytes an attempt sends ahead of its end (a packet index), in parts; taken by the completing transaction.
create table effect_blobs (
  job_id uuid not null references jobs (id) on delete cascade,
  epoch  integer not null,
  name   text not null,
  part   integer not null,
  data   bytea not null,
  primary key (job_id, epoch, name, part)
);

-- A finished attempt whose files are being published: written before link(2), removed with the final state.
create table publish_intents (
  job_id     uuid not null references jobs (id) on delete cascade,
  epoch      integer not null,
  outcome    jsonb not null,
  -- [{name, partPath, finalPath, onConflict}]
  files      jsonb not null,
  created_at timestamptz not null default now(),
  primary key (job_id, epoch)
);

-- Leaders. term grows with each change of holder; every leader write checks it.
create table leases (
  name       text primary key,
  holder     text not null,
  term       bigint not null,
  expires_at timestamptz not null
);

-- Why waiting, one row per requirement class: joined on read, so that a pass never rewrites thousands of jobs.
create table waiting_verdicts (
  requirement_class text primary key,
  reason            text not null,
  decided_at        timestamptz not null default now()
);

-- The audit, and the outbox of live events: written in the transaction of the change it tells.
-- (xid, id) is the order of events: rows whose xid is below the oldest running transaction are final,
-- so a reader that stops there never skips a late commit (a plain sequence would).
create table audit (
  id        bigint generated always as identity primary key,
  xid       xid8 not null default pg_current_xact_id(),
  at        timestamptz not null default clock_timestamp(),
  topic     text not null check (topic in ('jobs', 'videos', 'nodes', 'users')),
  entity_id text not null,
  event     text not null,
  actor     text not null,
  from_status text,
  to_status text,
  epoch     integer,
  detail    text
);
create index audit_order on audit (xid, id);
create index audit_entity on audit (topic, entity_id, id);

-- Answers to requests that carried an Idempotency-Key.
create table idempotency_keys (
  owner        text not null,
  key          text not null,
  request_hash text not null,
  status       integer,
  response     jsonb,
  created_at   timestamptz not null default now(),
  primary key (owner, key)
);

create table settings (
  name  text primary key,
  value jsonb not null
);
