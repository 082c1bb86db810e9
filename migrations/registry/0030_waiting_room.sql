-- The waiting room for sign-up. One counter: the next time of admission that nobody has. Who waits
-- is not kept: a ticket is a signed time in the customer's browser.
CREATE TABLE waiting_room (
    name TEXT NOT NULL PRIMARY KEY,          -- signup
    next_at {bigint} NOT NULL                -- microseconds UTC
) {strict};

-- Tickets with which a sign-up was started, until they are not good any more.
CREATE TABLE waiting_ticket (
    ticket_id {bytes} NOT NULL PRIMARY KEY,  -- random, of nobody
    uses {bigint} NOT NULL,
    good_until {bigint} NOT NULL
) {strict};
CREATE INDEX waiting_ticket_by_end ON waiting_ticket (good_until);
