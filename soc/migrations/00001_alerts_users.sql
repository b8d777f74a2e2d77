-- Times are nanoseconds since 1970-01-01T00:00:00Z; 0 means never.
CREATE TABLE alerts (
  number       INTEGER PRIMARY KEY AUTOINCREMENT, -- the A-2041 that people say
  id           TEXT    NOT NULL UNIQUE,           -- event.Alert.ID
  rule         TEXT    NOT NULL,
  version      TEXT    NOT NULL,
  title_ja     TEXT    NOT NULL,
  title_en     TEXT    NOT NULL,
  explain_ja   TEXT    NOT NULL,
  explain_en   TEXT    NOT NULL,
  respond      TEXT    NOT NULL,                  -- event.Steps as JSON
  severity     INTEGER NOT NULL,
  attack       TEXT    NOT NULL,                  -- list as JSON
  trial        INTEGER NOT NULL,
  municipality TEXT    NOT NULL,                  -- '' spans several: prefecture only
  zone         TEXT    NOT NULL,
  key          TEXT    NOT NULL,
  start_at     INTEGER NOT NULL,
  end_at       INTEGER NOT NULL,
  events       INTEGER NOT NULL,
  state        TEXT    NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'acknowledged', 'in_progress', 'closed')),
  assignee     TEXT    NOT NULL DEFAULT '',
  resolution   TEXT    NOT NULL DEFAULT '' CHECK (resolution IN ('', 'true_positive', 'false_positive', 'benign')),
  created      INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL DEFAULT 0,
  closed       INTEGER NOT NULL DEFAULT 0,
  revision     INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX alerts_urgency ON alerts (severity DESC, number DESC);
CREATE INDEX alerts_open ON alerts (municipality, severity) WHERE state <> 'closed';

CREATE TABLE evidence (
  alert     INTEGER NOT NULL REFERENCES alerts (number) ON DELETE CASCADE,
  n         INTEGER NOT NULL,
  collector TEXT    NOT NULL,
  source    TEXT    NOT NULL,
  epoch     INTEGER NOT NULL,
  seq       INTEGER NOT NULL,
  json      BLOB    NOT NULL,
  PRIMARY KEY (alert, n)
) WITHOUT ROWID;

-- What happened to an alert. Rows are only ever added.
CREATE TABLE history (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  alert      INTEGER NOT NULL REFERENCES alerts (number) ON DELETE CASCADE,
  at         INTEGER NOT NULL,
  by_user    TEXT    NOT NULL, -- '' is Mimamori itself
  from_state TEXT    NOT NULL,
  to_state   TEXT    NOT NULL,
  assignee   TEXT,             -- NULL: unchanged
  resolution TEXT    NOT NULL,
  note       TEXT    NOT NULL
);
CREATE INDEX history_alert ON history (alert, id);

CREATE TABLE users (
  name           TEXT    PRIMARY KEY, -- sign-in name in lower case
  display        TEXT    NOT NULL,
  role           TEXT    NOT NULL CHECK (role IN ('prefecture-admin', 'prefecture-analyst', 'municipality')),
  municipalities TEXT    NOT NULL,    -- list as JSON
  password       TEXT    NOT NULL,    -- argon2id in PHC form
  generation     INTEGER NOT NULL DEFAULT 1, -- a session of an older generation is void
  disabled       INTEGER NOT NULL DEFAULT 0,
  created        INTEGER NOT NULL,
  signed_in      INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- One-time links by which a person makes an account. Only the token's SHA-256 is kept.
CREATE TABLE links (
  hash           TEXT    PRIMARY KEY,
  first_admin    INTEGER NOT NULL,
  role           TEXT    NOT NULL,
  municipalities TEXT    NOT NULL,
  made_by        TEXT    NOT NULL,
  expires        INTEGER NOT NULL
) WITHOUT ROWID;

-- Browsers that have signed in to an account before.
CREATE TABLE devices (
  hash    TEXT    PRIMARY KEY,
  name    TEXT    NOT NULL REFERENCES users (name) ON DELETE CASCADE,
  expires INTEGER NOT NULL
) WITHOUT ROWID;

-- Failed sign-ins of the last minutes, per throttling bucket.
CREATE TABLE failures (
  attempt TEXT    NOT NULL,
  bucket  TEXT    NOT NULL,
  at      INTEGER NOT NULL
);
CREATE INDEX failures_bucket ON failures (bucket, at);
CREATE INDEX failures_at ON failures (at);

CREATE TABLE sessions (
  token  TEXT    PRIMARY KEY,
  data   BLOB    NOT NULL,
  expiry INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_expiry ON sessions (expiry);
