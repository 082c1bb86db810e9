-- Cases: what staff look into, with what was to be seen when it was opened. All instants are
-- microseconds UTC.

-- One case. Its id is derived from what opened it, so the same thing never opens two.
CREATE TABLE case_file (
    case_id TEXT NOT NULL PRIMARY KEY,       -- cse_…
    kind TEXT NOT NULL,                      -- dispute | held_payment | chargeback | collecting | …
    customer_id TEXT REFERENCES customer (customer_id),
    store_id TEXT,                           -- sto_…
    amount_yen {bigint},                     -- what is in question; NULL if no yen are
    decision_id TEXT,                        -- dec_…: the gate's decision that it is about
    opener TEXT NOT NULL,                    -- customer | rule | staff | machine
    opened_by TEXT NOT NULL,                 -- cus_… | the rule's id | stf_… | which part of it
    opened_at {bigint} NOT NULL,
    due_at {bigint} NOT NULL,                -- when it should be decided; moves while the customer is asked
    evidence TEXT NOT NULL,                  -- JSON, as it was seen at the opening
    state TEXT NOT NULL,                     -- open | taken | waiting | decided
    state_by TEXT,                           -- stf_…; NULL while open
    state_at {bigint} NOT NULL,
    outcome TEXT                             -- how it was decided; NULL before
) {strict};
CREATE INDEX case_file_due ON case_file (due_at, case_id) WHERE state <> 'decided';
CREATE INDEX case_file_decided ON case_file (state_at, case_id) WHERE state = 'decided';
CREATE INDEX case_file_by_customer ON case_file (customer_id, opened_at);

-- The payments, top-ups and sends that a case is about, by their public ids.
CREATE TABLE case_subject (
    subject_id TEXT NOT NULL,                -- pay_… | top_… | snd_… | flg_… | …
    case_id TEXT NOT NULL REFERENCES case_file (case_id),
    PRIMARY KEY (subject_id, case_id)
) {strict};
CREATE INDEX case_subject_by_case ON case_subject (case_id);

-- What was said in a case: among staff, to the customer, by the customer.
CREATE TABLE case_note (
    note_id TEXT NOT NULL PRIMARY KEY,       -- cnt_…
    case_id TEXT NOT NULL REFERENCES case_file (case_id),
    customer_id TEXT,                        -- whom the case is about
    kind TEXT NOT NULL,                      -- note | message | reply
    author TEXT NOT NULL,                    -- stf_… | cus_…
    body TEXT NOT NULL,
    at {bigint} NOT NULL
) {strict};
CREATE INDEX case_note_by_case ON case_note (case_id, at);

-- Cases that belong together; the lesser id stands first.
CREATE TABLE case_link (
    case_id TEXT NOT NULL REFERENCES case_file (case_id),
    other_id TEXT NOT NULL REFERENCES case_file (case_id),
    linked_by TEXT NOT NULL,                 -- stf_…
    linked_at {bigint} NOT NULL,
    PRIMARY KEY (case_id, other_id)
) {strict};
CREATE INDEX case_link_by_other ON case_link (other_id);
