-- What the law wants customers to be able to read: the terms of 法13条 and the compensation policy.
-- A version never changes and never goes. Each carries the hash of the one before it.
CREATE TABLE published_text (
    kind TEXT NOT NULL,                      -- terms | compensation
    version {bigint} NOT NULL,               -- from 1, without gaps
    body TEXT NOT NULL,                      -- JSON: for each language, item to text
    previous_hash {bytes} NOT NULL,          -- of version - 1; zero for the first
    hash {bytes} NOT NULL,
    published_at {bigint} NOT NULL,
    published_by TEXT NOT NULL,
    PRIMARY KEY (kind, version)
) {strict};
