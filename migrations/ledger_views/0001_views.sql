-- What the journal holds, arranged for questions. All of it can be deleted: it is made again from
-- the journal. Timestamps are nanoseconds since 1970, ids 16 bytes big-endian, amounts in the
-- smallest part of their unit (above 2^63 - 1 they read as negative numbers).

-- Every transfer that happened, with its resolved values.
CREATE TABLE transfer (
    timestamp {bigint} NOT NULL PRIMARY KEY,
    id {bytes} NOT NULL,
    debit_account_id {bytes} NOT NULL,
    credit_account_id {bytes} NOT NULL,
    amount {bigint} NOT NULL,
    pending_id {bytes},                      -- NULL unless it posts or voids another
    user_data_128 {bytes},                   -- NULL means 0
    user_data_64 {bigint} NOT NULL,
    user_data_32 {bigint} NOT NULL,
    timeout {bigint} NOT NULL,               -- seconds; 0 means none
    ledger {bigint} NOT NULL,
    code {bigint} NOT NULL,
    flags {bigint} NOT NULL,
    pending_status {bigint} NOT NULL         -- 0 not pending, 1 open, 2 posted, 3 voided, 4 expired
) {strict};
CREATE UNIQUE INDEX transfer_by_id ON transfer (id);
CREATE INDEX transfer_by_debit_account ON transfer (debit_account_id, timestamp);
CREATE INDEX transfer_by_credit_account ON transfer (credit_account_id, timestamp);

-- The newest snapshot: where in the journal it was taken. One row, or none before the first.
CREATE TABLE snapshot (
    number {bigint} NOT NULL PRIMARY KEY,    -- 1
    seq {bigint} NOT NULL,                   -- the entry up to which the journal is folded
    timestamp {bigint} NOT NULL,             -- of its last fact
    hash {bytes} NOT NULL,                   -- of that entry
    account_count {bigint} NOT NULL,
    id_count {bigint} NOT NULL
) {strict};

-- Accounts in order of creation, 512 a row, 92 bytes each; a snapshot rewrites the rows in which
-- something changed.
CREATE TABLE account_block (
    number {bigint} NOT NULL PRIMARY KEY,    -- from 0
    body {bytes} NOT NULL
) {strict};

-- The pending transfers that were open at the snapshot; every snapshot rewrites them.
CREATE TABLE pending_block (
    number {bigint} NOT NULL PRIMARY KEY,
    body {bytes} NOT NULL
) {strict};

-- The ids of all transfers up to the snapshot, 16 bytes each, in order of time: a start reads them
-- in one sweep to know which ids were used.
CREATE TABLE id_block (
    first_number {bigint} NOT NULL PRIMARY KEY, -- of the first id of the row, from 0
    body {bytes} NOT NULL
) {strict};
