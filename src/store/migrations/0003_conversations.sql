-- What people asked and were answered. A conversation belongs to one person; nobody else reads it.
-- words: what a search looks at, normalized.
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id),
    title TEXT NOT NULL,
    words TEXT NOT NULL,
    created_at TEXT NOT NULL,
    used_at TEXT NOT NULL
);

CREATE INDEX conversations_of_person ON conversations (person, used_at);

-- record: JSON of the sources, the summary and the selection, as the page got them.
CREATE TABLE turns (
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    asked_at TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    record TEXT NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (conversation, number)
);
