-- Times are nanoseconds since 1970-01-01T00:00:00Z; 0 means never. A side is
-- 'prefecture' or a municipality's code.
CREATE TABLE erasures (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  municipality   TEXT    NOT NULL,
  month          TEXT    NOT NULL, -- 2026-11
  state          TEXT    NOT NULL CHECK (state IN ('requested', 'approved', 'running', 'done', 'refused', 'withdrawn')),
  reason         TEXT    NOT NULL,
  requested      INTEGER NOT NULL,
  requested_by   TEXT    NOT NULL,
  requested_side TEXT    NOT NULL,
  approved       INTEGER NOT NULL DEFAULT 0,
  approved_by    TEXT    NOT NULL DEFAULT '',
  approved_side  TEXT    NOT NULL DEFAULT '',
  standing       INTEGER NOT NULL DEFAULT 0, -- the standing approval that made it; 0: people did
  due            INTEGER NOT NULL DEFAULT 0, -- end of the waiting time
  begun          INTEGER NOT NULL DEFAULT 0,
  ended          INTEGER NOT NULL DEFAULT 0,
  ended_by       TEXT    NOT NULL DEFAULT '', -- who refused or withdrew it
  note           TEXT    NOT NULL DEFAULT '', -- why
  tries          INTEGER NOT NULL DEFAULT 0,  -- that failed
  retry          INTEGER NOT NULL DEFAULT 0,  -- not before
  trouble        TEXT    NOT NULL DEFAULT '', -- why the newest try failed
  certificate    TEXT    NOT NULL DEFAULT '',
  CHECK (approved_side <> requested_side AND (approved_by <> requested_by OR approved_by = '')),
  CHECK (state NOT IN ('approved', 'running', 'done') OR approved > 0)
);
CREATE UNIQUE INDEX erasures_open ON erasures (municipality, month) WHERE state IN ('requested', 'approved', 'running');

-- What went from each place, as far as it was counted.
CREATE TABLE removed (
  erasure INTEGER NOT NULL REFERENCES erasures (id),
  n       INTEGER NOT NULL, -- order of the places
  place   TEXT    NOT NULL,
  things  INTEGER NOT NULL,
  PRIMARY KEY (erasure, n, place)
) WITHOUT ROWID;

CREATE TABLE holds (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  municipality TEXT    NOT NULL,
  month        TEXT    NOT NULL, -- '' is every month
  why          TEXT    NOT NULL,
  since        INTEGER NOT NULL,
  set_by       TEXT    NOT NULL,
  lifted       INTEGER NOT NULL DEFAULT 0,
  lifted_by    TEXT    NOT NULL DEFAULT ''
);

-- Standing approvals: months older than an age are erased, one after the other.
CREATE TABLE standings (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  municipality   TEXT    NOT NULL, -- '' is every municipality that approves for itself
  months         INTEGER NOT NULL, -- age
  reason         TEXT    NOT NULL,
  requested      INTEGER NOT NULL,
  requested_by   TEXT    NOT NULL,
  requested_side TEXT    NOT NULL,
  ended          INTEGER NOT NULL DEFAULT 0,
  ended_by       TEXT    NOT NULL DEFAULT ''
);

CREATE TABLE consents (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  standing      INTEGER NOT NULL REFERENCES standings (id),
  municipality  TEXT    NOT NULL,
  approved      INTEGER NOT NULL,
  approved_by   TEXT    NOT NULL,
  approved_side TEXT    NOT NULL,
  ended         INTEGER NOT NULL DEFAULT 0,
  ended_by      TEXT    NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX consents_open ON consents (standing, municipality) WHERE ended = 0;

-- Who did what when, also what was refused to whom. Rows are only ever added.
CREATE TABLE journal (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  at           INTEGER NOT NULL,
  by_user      TEXT    NOT NULL, -- '' is Mimamori itself
  what         TEXT    NOT NULL,
  erasure      INTEGER NOT NULL, -- 0: of none
  municipality TEXT    NOT NULL,
  month        TEXT    NOT NULL,
  detail       TEXT    NOT NULL
);
CREATE INDEX journal_municipality ON journal (municipality, id);
CREATE TRIGGER journal_stays BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is only ever added to'); END;
CREATE TRIGGER journal_grows BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is only ever added to'); END;
