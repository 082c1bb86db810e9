-- Leaving: closing an account with a time to think, and what forbids it. All instants are
-- microseconds UTC.

-- A request to close an account, and what became of it. Until it is due, a sign-in calls it off.
-- It holds no personal data: its row stays when the customer is gone, as proof.
CREATE TABLE account_closing (
    closing_id TEXT NOT NULL PRIMARY KEY,    -- cls_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    state TEXT NOT NULL,                     -- waiting | ending | scrubbing | done | canceled
    asked_by TEXT NOT NULL,                  -- customer | staff
    asked_at {bigint} NOT NULL,
    due_at {bigint} NOT NULL,
    scrubbed_to {bigint} NOT NULL,           -- the evidence before this instant is scrubbed
    ended_at {bigint}                        -- done or canceled
) {strict};
CREATE UNIQUE INDEX account_closing_under_way ON account_closing (customer_id)
    WHERE state IN ('waiting', 'ending');
CREATE INDEX account_closing_by_state ON account_closing (state, due_at);
CREATE INDEX account_closing_by_customer ON account_closing (customer_id);

-- A legal hold: as long as it stands, nothing of the customer is deleted at the customer's wish.
CREATE TABLE customer_hold (
    hold_id TEXT NOT NULL PRIMARY KEY,       -- hld_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    reason TEXT NOT NULL,                    -- for staff; the customer is not told it
    held_until {bigint} NOT NULL,
    held_by TEXT NOT NULL,                   -- who of the staff
    created_at {bigint} NOT NULL,
    released_at {bigint}
) {strict};
CREATE INDEX customer_hold_by_customer ON customer_hold (customer_id, held_until);
