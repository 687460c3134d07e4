-- What each person set for themselves, by name.
CREATE TABLE settings (
    person TEXT NOT NULL REFERENCES people (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (person, name)
);
