-- What merchants are paid: on which terms, to which account, and what was reckoned for each closing
-- day. A statement is written down before its transfers are made from it, so that a run that died
-- goes on with the same figures; what a merchant is owed now is the ledger's to say.

CREATE TABLE settlement_terms (
    merchant_id TEXT NOT NULL PRIMARY KEY REFERENCES merchant (merchant_id),
    terms TEXT NOT NULL,                     -- JSON: calendar, fee, holdback
    changed_at {bigint} NOT NULL
) {strict};

CREATE TABLE payout_account (
    merchant_id TEXT NOT NULL PRIMARY KEY REFERENCES merchant (merchant_id),
    sealed {bytes} NOT NULL,                 -- JSON: bank, branch, kind, number, holder
    last_digits TEXT NOT NULL,               -- of the number, to be shown
    changed_at {bigint} NOT NULL,
    usable_at {bigint} NOT NULL              -- nothing is paid to it before
) {strict};

CREATE TABLE settlement (
    settlement_id TEXT NOT NULL PRIMARY KEY, -- stl_…
    merchant_id TEXT NOT NULL REFERENCES merchant (merchant_id),
    closing_on TEXT NOT NULL,                -- the last day in Japan, 2026-04-30
    from_at {bigint} NOT NULL,               -- the end of the one before; 0 for the first
    until_at {bigint} NOT NULL,              -- midnight after closing_on, in Japan
    statement TEXT NOT NULL,                 -- JSON: the figures; never changed
    planned_at {bigint} NOT NULL,
    settled_at {bigint},                     -- its transfers are in the ledger
    UNIQUE (merchant_id, closing_on)
) {strict};

CREATE TABLE payout_file (
    file_id TEXT NOT NULL PRIMARY KEY,       -- pof_…
    pay_on TEXT NOT NULL,                    -- the day in Japan on which the bank pays
    sealed {bytes} NOT NULL,                 -- the file, which names accounts
    payout_count {bigint} NOT NULL,
    total_yen {bigint} NOT NULL,
    made_at {bigint} NOT NULL,
    booked_at {bigint},                      -- its payouts are in transit in the ledger
    sent_at {bigint}                         -- the bank has taken it
) {strict};

CREATE TABLE payout (
    payout_id TEXT NOT NULL PRIMARY KEY,     -- pot_…
    settlement_id TEXT NOT NULL UNIQUE REFERENCES settlement (settlement_id),
    merchant_id TEXT NOT NULL REFERENCES merchant (merchant_id),
    yen {bigint} NOT NULL,
    file_id TEXT REFERENCES payout_file (file_id),
    file_line {bigint},                      -- its place among the transfers of the file, from 1
    returned_at {bigint},                    -- the bank gave it back (組戻し)
    returned_reason TEXT
) {strict};
CREATE INDEX payout_by_file ON payout (file_id);
CREATE INDEX payout_by_merchant ON payout (merchant_id);
