-- Paid value that its holder gets back as money. What is set aside is the ledger's to say (the
-- transfer has the claim's id); here is to whom it goes, and how far it is.

CREATE TABLE refund_claim (
    claim_id TEXT NOT NULL PRIMARY KEY,      -- rcl_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    basis TEXT NOT NULL,                     -- service_end | …
    end_id TEXT REFERENCES service_end (end_id),
    state TEXT NOT NULL,                     -- asked | review | waiting | in_file | sent | returned | refusing | refused
    yen {bigint} NOT NULL,                   -- 0 until it is set aside
    sealed {bytes} NOT NULL,                 -- JSON: bank, branch, kind, number, holder
    last_digits TEXT NOT NULL,               -- of the number, to be shown
    asked_by TEXT NOT NULL,                  -- customer | stf_… | later, for what came after the first
    asked_at {bigint} NOT NULL,
    account_at {bigint} NOT NULL,            -- the account was told or changed
    reason TEXT NOT NULL,                    -- why it was refused or came back, for the customer
    decided_by TEXT,                         -- stf_…
    file_id TEXT,                            -- rff_…
    sent_at {bigint},
    state_at {bigint} NOT NULL
) {strict};
CREATE UNIQUE INDEX refund_claim_asked ON refund_claim (customer_id) WHERE state = 'asked';
CREATE INDEX refund_claim_by_customer ON refund_claim (customer_id, asked_at);
CREATE INDEX refund_claim_by_state ON refund_claim (state, asked_at);

CREATE TABLE refund_file (
    file_id TEXT NOT NULL PRIMARY KEY,       -- rff_…
    state TEXT NOT NULL,                     -- planned | agreed | sent | dropped
    pay_on TEXT NOT NULL,                    -- the day in Japan on which the bank pays
    sealed {bytes} NOT NULL,                 -- the file, which names accounts
    digest {bytes} NOT NULL,                 -- SHA-256 of it: what is agreed on
    claim_count {bigint} NOT NULL,
    total_yen {bigint} NOT NULL,
    made_by TEXT NOT NULL,                   -- stf_…
    made_at {bigint} NOT NULL,
    agreed_by TEXT,                          -- stf_…
    sent_at {bigint}
) {strict};

CREATE TABLE refund_file_line (
    file_id TEXT NOT NULL REFERENCES refund_file (file_id),
    line {bigint} NOT NULL,                  -- its place among the transfers of the file, from 1
    claim_id TEXT NOT NULL REFERENCES refund_claim (claim_id),
    yen {bigint} NOT NULL,
    last_digits TEXT NOT NULL,
    returned_at {bigint},                    -- the bank gave it back (組戻し)
    PRIMARY KEY (file_id, line)
) {strict};
CREATE INDEX refund_file_line_by_claim ON refund_file_line (claim_id);
