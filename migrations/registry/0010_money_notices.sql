-- Telling of money: who wants e-mail about it, and what in the outbox is about it.

-- A customer who chose to be told of payments by e-mail too. No row: not chosen.
CREATE TABLE money_mail (
    customer_id TEXT NOT NULL PRIMARY KEY REFERENCES customer (customer_id),
    chosen_at {bigint} NOT NULL
) {strict};

-- Messages about money have no part in the daily bound of those about the account: else many small
-- payments would silence the notice of a break-in.
ALTER TABLE delivery ADD COLUMN about TEXT NOT NULL DEFAULT 'account'; -- account | money
