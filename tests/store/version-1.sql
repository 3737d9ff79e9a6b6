-- A file of version 1, as it was written: never changed.
CREATE TABLE line (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    lamport INTEGER NOT NULL,   -- with author, id and row: the order of the history
    author ANY NOT NULL,        -- a key (blob), or the label of somebody without one (text)
    id BLOB NOT NULL,           -- the content id of a signed post; empty of all else
    number INTEGER,             -- its POST_NO
    message_id TEXT NOT NULL,
    kind TEXT NOT NULL,         -- post, dm, sealed (a dm that nobody else could read), profile
    ours INTEGER NOT NULL,
    peer ANY,                   -- the other end, as the author
    text TEXT NOT NULL,
    stamp INTEGER NOT NULL,     -- Unix seconds by the author's clock
    at INTEGER NOT NULL,        -- Unix seconds by our clock
    mark TEXT,                  -- what became of a dm of ours
    read INTEGER NOT NULL,
    details BLOB                -- a version, and MessagePack
) STRICT;
CREATE INDEX line_order ON line(lamport, author, id);
CREATE UNIQUE INDEX line_name ON line(author, message_id) WHERE message_id <> '';
CREATE INDEX line_peer ON line(peer, lamport, author, id) WHERE peer IS NOT NULL;
CREATE INDEX line_unread ON line(lamport, author, id) WHERE read = 0;
CREATE INDEX line_ours ON line(message_id) WHERE ours = 1;
CREATE INDEX line_open ON line(row) WHERE mark IN ('waiting', 'sent', 'received');

CREATE TABLE post (             -- signed posts that may be passed on
    row INTEGER PRIMARY KEY REFERENCES line(row) ON DELETE CASCADE,
    lamport INTEGER NOT NULL,
    since INTEGER NOT NULL,     -- Unix seconds by our clock
    raw BLOB NOT NULL,
    long ANY                    -- a long text; 1 when it is the text of the line
) STRICT;
CREATE INDEX post_since ON post(since);

CREATE TABLE carried (          -- datagrams for others
    id BLOB PRIMARY KEY,
    recipient BLOB NOT NULL,
    author BLOB NOT NULL,
    message_id TEXT NOT NULL,
    since INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE gone (             -- posts that were removed, by POST_NO
    author BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (author, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE gone_name (        -- all else that was removed: a hash of author and MESSAGE_ID
    hash BLOB PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX gone_name_at ON gone_name(at);

CREATE TABLE note (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE words
    USING fts5(text, content='', columnsize=0, prefix='2', tokenize='unicode61 remove_diacritics 2');
