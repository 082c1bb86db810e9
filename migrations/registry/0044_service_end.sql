-- The end of the service, as two people agreed on it. Of those that were not called off there is one
-- at most.

CREATE TABLE service_end (
    end_id TEXT NOT NULL PRIMARY KEY,        -- eos_…
    state TEXT NOT NULL,                     -- announced | canceled
    ends_at {bigint} NOT NULL,               -- from here on nothing is topped up or paid
    noticed_on TEXT NOT NULL,                -- the day of the public notice in Japan, 2026-12-01
    last_day TEXT NOT NULL,                  -- the last day of claims in Japan
    claims_until {bigint} NOT NULL,          -- the first instant after it
    contact TEXT NOT NULL,                   -- whom to ask, as the notice says it
    proposed_by TEXT NOT NULL,               -- stf_…
    agreed_by TEXT NOT NULL,                 -- stf_…
    agreed_at {bigint} NOT NULL,
    canceled_at {bigint},
    told_after TEXT NOT NULL,                -- customers up to this id are told of the state
    told_at {bigint},                        -- all are
    reminded_after TEXT NOT NULL,            -- the same, of the word shortly before claims end
    reminded_at {bigint},
    end_holders {bigint},                    -- who held paid value when use ended …
    end_yen {bigint}                         -- … and how much: read from the journal once
) {strict};
CREATE UNIQUE INDEX service_end_one ON service_end (state) WHERE state = 'announced';

-- Who did not claim is excluded (法20条2項): a run over all customers, after the period.
CREATE TABLE refund_exclusion (
    exclusion_id TEXT NOT NULL PRIMARY KEY,  -- exc_…
    end_id TEXT NOT NULL REFERENCES service_end (end_id),
    state TEXT NOT NULL,                     -- planned | running | done
    holders {bigint} NOT NULL,               -- of the dry run
    yen {bigint} NOT NULL,
    planned_by TEXT NOT NULL,                -- stf_…
    planned_at {bigint} NOT NULL,
    started_by TEXT,                         -- stf_…
    started_at {bigint},
    listed_to TEXT NOT NULL,                 -- customers up to this id have their rows
    is_listed {bigint} NOT NULL,             -- 1: all have
    done_at {bigint}
) {strict};
CREATE INDEX refund_exclusion_by_end ON refund_exclusion (end_id, planned_at);

CREATE TABLE refund_exclusion_row (
    exclusion_id TEXT NOT NULL REFERENCES refund_exclusion (exclusion_id),
    customer_id TEXT NOT NULL,
    state TEXT NOT NULL,                     -- waiting | done
    outcome TEXT NOT NULL,                   -- excluded | claimed | kept | nothing; '' while waiting
    yen {bigint} NOT NULL,
    done_at {bigint},
    PRIMARY KEY (exclusion_id, customer_id)
) {strict};
