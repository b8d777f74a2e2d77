-- Times are nanoseconds since 1970-01-01T00:00:00Z; 0 means never.
CREATE TABLE collectors (
  public       TEXT    PRIMARY KEY, -- NKey
  id           TEXT    NOT NULL,
  municipality TEXT    NOT NULL,
  zone         TEXT    NOT NULL,
  invitation   TEXT    NOT NULL,
  enrolled     INTEGER NOT NULL,
  enrolled_by  TEXT    NOT NULL,    -- who invited
  revoked      INTEGER NOT NULL DEFAULT 0,
  revoked_by   TEXT    NOT NULL DEFAULT '',
  why          TEXT    NOT NULL DEFAULT '',
  last_frame   INTEGER NOT NULL DEFAULT 0 -- in the stream of frames when it was cut off; later ones are refused
) WITHOUT ROWID;
CREATE UNIQUE INDEX collectors_active ON collectors (id) WHERE revoked = 0;

CREATE TABLE invitations (
  id           TEXT    PRIMARY KEY,
  public       TEXT    NOT NULL UNIQUE, -- NKey of the connection for enrolment; its seed is in the token only
  collector    TEXT    NOT NULL,
  municipality TEXT    NOT NULL,
  zone         TEXT    NOT NULL,
  created      INTEGER NOT NULL,
  created_by   TEXT    NOT NULL,
  expires      INTEGER NOT NULL,
  used         INTEGER NOT NULL DEFAULT 0,
  used_by      TEXT    NOT NULL DEFAULT '' -- NKey of the collector
) WITHOUT ROWID;

CREATE TABLE configs (
  collector  TEXT    NOT NULL,
  version    INTEGER NOT NULL,
  text       TEXT    NOT NULL,
  created    INTEGER NOT NULL,
  created_by TEXT    NOT NULL,
  note       TEXT    NOT NULL,
  state      TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'failed', 'replaced')),
  reason     TEXT    NOT NULL DEFAULT '',
  changed    INTEGER NOT NULL,
  PRIMARY KEY (collector, version)
) WITHOUT ROWID;

CREATE TABLE heartbeats (
  collector TEXT    PRIMARY KEY,
  at        INTEGER NOT NULL,
  json      BLOB    NOT NULL
) WITHOUT ROWID;

-- Who did what when. Rows are only ever added; the program looks at the newest
-- number to learn that something has changed.
CREATE TABLE journal (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  at        INTEGER NOT NULL,
  by_user   TEXT    NOT NULL,
  what      TEXT    NOT NULL,
  collector TEXT    NOT NULL,
  detail    TEXT    NOT NULL
);
CREATE INDEX journal_collector ON journal (collector, id);
