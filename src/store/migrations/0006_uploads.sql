-- Files that people gave to a conversation, for a time. What they hold lies in the data folder.
-- content: JSON of what was read of the file.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    content TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);

CREATE INDEX uploads_of_conversation ON uploads (conversation);
