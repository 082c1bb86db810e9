-- Registrations of one card come one after the other: whoever writes a card takes its row here
-- first, so that accounts with the card are counted where nothing can come between.

CREATE TABLE card_print (
    fingerprint {bytes} NOT NULL PRIMARY KEY, -- as in `card`
    registered_at {bigint} NOT NULL           -- the last time
) {strict};
CREATE INDEX card_print_by_time ON card_print (registered_at);
