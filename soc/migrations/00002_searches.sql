-- Searches that people keep, for themselves or for others.
CREATE TABLE searches (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  owner        TEXT    NOT NULL REFERENCES users (name) ON DELETE CASCADE,
  name         TEXT    NOT NULL,
  shared       TEXT    NOT NULL, -- '' the owner only, '*' everybody, else a municipality
  text         TEXT    NOT NULL,
  span         TEXT    NOT NULL, -- a preset such as 24h, '' where the two times count
  from_time    TEXT    NOT NULL,
  to_time      TEXT    NOT NULL,
  columns      TEXT    NOT NULL,
  created      INTEGER NOT NULL,
  UNIQUE (owner, name)
);
