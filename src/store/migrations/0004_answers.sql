-- Records of answers. `body` is the canonical form of the record and never changes; the other
-- columns repeat what lists are made of. Times are RFC 3339 in UTC.
CREATE TABLE answers (
    code TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    section TEXT NOT NULL,
    created_at TEXT NOT NULL,
    kind TEXT NOT NULL,
    question TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL,
    mac TEXT NOT NULL
);

CREATE INDEX answers_of_person ON answers (person, created_at);
CREATE INDEX answers_of_section ON answers (section, created_at);

-- 作成 → 確認 → 承認: lines are added, never changed. `mac` chains each to the one before it.
CREATE TABLE review_steps (
    code TEXT NOT NULL,
    step BIGINT NOT NULL,
    at TEXT NOT NULL,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    section TEXT NOT NULL,
    action TEXT NOT NULL,
    comment TEXT NOT NULL,
    text TEXT NOT NULL,
    mac TEXT NOT NULL,
    PRIMARY KEY (code, step)
);

-- What a section asks for; the empty section is the whole office.
CREATE TABLE review_rules (
    section TEXT PRIMARY KEY,
    rule TEXT NOT NULL
);
