-- Risk rules: every version that was ever proposed, word by word; which of them was in force when;
-- what staff are writing; and which decisions turned out to be fraud. Version 1 is the starter set.

CREATE TABLE risk_version (
    version {bigint} NOT NULL PRIMARY KEY,      -- rising by 1; rows never change
    rules TEXT NOT NULL,                        -- TOML, as crates/risk reads it
    note TEXT NOT NULL,                         -- what changed, and why
    based_on {bigint},                          -- the version in force when it was written
    created_by TEXT NOT NULL,                   -- stf_…; empty: with the program
    created_at {bigint} NOT NULL
) {strict};

-- The version in force is that of the last row.
CREATE TABLE risk_publication (
    publication {bigint} NOT NULL PRIMARY KEY,  -- rising by 1
    version {bigint} NOT NULL REFERENCES risk_version (version),
    published_by TEXT NOT NULL,                 -- stf_…; empty: with the program
    published_at {bigint} NOT NULL
) {strict};

-- One text under work a person.
CREATE TABLE risk_draft (
    staff_id TEXT NOT NULL PRIMARY KEY REFERENCES staff (staff_id),
    rules TEXT NOT NULL,
    based_on {bigint} NOT NULL,
    updated_at {bigint} NOT NULL
) {strict};

-- What a decision turned out to be, for back-tests.
CREATE TABLE risk_label (
    node {bigint} NOT NULL,                     -- of the decision
    number {bigint} NOT NULL,
    decided_at {bigint} NOT NULL,
    kind TEXT NOT NULL,                         -- the kind of fraud; `honest`: looked at, none
    source TEXT NOT NULL,                       -- staff | dispute | incident
    set_by TEXT NOT NULL,                       -- stf_…, or the case or incident
    set_at {bigint} NOT NULL,
    PRIMARY KEY (node, number)
) {without_rowid};
CREATE INDEX risk_label_by_time ON risk_label (decided_at);
