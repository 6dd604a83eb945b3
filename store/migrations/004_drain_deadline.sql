-- When what still runs on a draining node is given back; null: it may finish.
alter table nodes add column drain_deadline timestamptz;
