-- What the office made of assistants: every version of each, the newest with the highest revision.
-- An empty content takes the office's version away, so that the one below shows again.
CREATE TABLE assistants (
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    content TEXT NOT NULL,
    note TEXT NOT NULL,
    author TEXT NOT NULL,
    saved_at TEXT NOT NULL,
    PRIMARY KEY (id, revision)
);
