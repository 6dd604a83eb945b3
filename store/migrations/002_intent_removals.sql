-- Old files that go once the job is completed, as [{path, inode}]: until then the intent stays, so that a crash leaves none behind.
alter table publish_intents add column removals jsonb not null default '[]';
