-- Streams that are encoded for viewers: when each was opened, and how it ended. Rows of before are known to be right.
alter table audit drop constraint audit_topic_check;
alter table audit add constraint audit_topic_check check (topic in ('jobs', 'videos', 'nodes', 'streams', 'users')) not valid;
