-- Files in the library that go with a video's pictures: its subtitles as text, small pictures for the seek bar.
create table video_side_files (
  video_id    uuid not null references videos (id) on delete cascade,
  kind        text not null check (kind in ('subtitles', 'storyboard')),
  -- Relative to the library root.
  path        text not null,
  -- What lies where in the file (contracts: side-tracks).
  description jsonb not null,
  created_at  timestamptz not null default now(),
  primary key (video_id, kind)
);
