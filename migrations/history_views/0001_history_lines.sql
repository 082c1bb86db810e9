-- The lines of customers' histories, arranged for search and sums. A view: it can be deleted and is
-- made again from the journal. Timestamps are nanoseconds since 1970. No name of anybody is here:
-- the other side is an account.
CREATE TABLE history_line (
    account_id {bytes} NOT NULL,             -- the customer's wallet
    timestamp {bigint} NOT NULL,             -- of the transfer
    transfer_id {bytes} NOT NULL,
    class TEXT NOT NULL,                     -- paid | refunded | topup | sent | received | points
    kind TEXT NOT NULL,                      -- as the history names it
    amount_yen {bigint} NOT NULL,            -- negative when value left the wallet
    points {bigint} NOT NULL,                -- earned with it, or taken back
    month {bigint} NOT NULL,                 -- 202604, in Japan
    other_account_id {bytes} NOT NULL,       -- the other side
    PRIMARY KEY (account_id, timestamp)
) {without_rowid};
CREATE INDEX history_line_by_transfer ON history_line (transfer_id);
