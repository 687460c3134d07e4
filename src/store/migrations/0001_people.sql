-- People who sign in, their sessions, keys of other systems, and what happened to them. Times are
-- RFC 3339 in UTC, to the second, so that they sort as text; an empty time is one that has not come.

-- kind: 'local' (an account with a password here), 'shared' (whoever comes in while there is no
-- account), 'trial' (the one person of a demo). Only 'local' ones sign in.
CREATE TABLE people (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    section TEXT NOT NULL,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    must_change BIGINT NOT NULL,
    disabled BIGINT NOT NULL,
    guide_read_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    signed_in_at TEXT NOT NULL
);

-- So that what they leave behind has an owner as everything else has.
INSERT INTO people VALUES
    ('shared', 'shared', '(shared)', '共用', '', 'admin', '', 0, 0, '', '', ''),
    ('trial', 'trial', '(trial)', '試用者', '', 'admin', '', 0, 0, '', '', '');

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id),
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);

CREATE INDEX sessions_of_person ON sessions (person);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    used_on TEXT NOT NULL,
    revoked_at TEXT NOT NULL
);

-- Sign-ins and changes of accounts. Names, never what was typed into a password.
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    actor TEXT NOT NULL
);

CREATE INDEX events_by_time ON events (at);
