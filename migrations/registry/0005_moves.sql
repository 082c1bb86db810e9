-- Moving to another phone, getting back in, stopping. All instants are microseconds UTC.

-- Who stopped a frozen account: customer | staff | undo (of a move). NULL while it is not frozen.
-- What staff stopped, a customer does not start again.
ALTER TABLE customer ADD COLUMN stopped_by TEXT;

-- A device may now also be `replaced`: another one took its place by a move. It pays no more, and
-- all that its session can do is look at the move and undo it.

-- A move to another phone, from the passkey's answer on the new phone until the old one can no
-- longer undo it. Bound to the new phone's key: nobody else can go on with it.
CREATE TABLE device_move (
    move_id TEXT NOT NULL PRIMARY KEY,       -- mov_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    state TEXT NOT NULL,                     -- code_sent | done | undone | settled
    name TEXT NOT NULL,                      -- of the new phone
    sign_key_thumbprint {bytes} NOT NULL,    -- of the new phone
    agree_key {bytes} NOT NULL,              -- of the new phone: SEC1
    code {bytes} NOT NULL,                   -- six digits, sealed for this row
    tries {bigint} NOT NULL,                 -- wrong codes so far
    from_device_id TEXT REFERENCES device (device_id),
    to_device_id TEXT REFERENCES device (device_id),
    created_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL,            -- of the code
    done_at {bigint},
    undone_at {bigint}
) {strict};
CREATE INDEX device_move_by_customer ON device_move (customer_id, state);
CREATE INDEX device_move_by_phone ON device_move (to_device_id) WHERE to_device_id IS NOT NULL;

-- A recovery: code and SMS first, then a day in which everyone is told and anyone of the account
-- can cancel it, then the new passkey and phone. A row without a customer is the answer to
-- somebody who knows no account; it looks the same and leads nowhere.
CREATE TABLE recovery (
    recovery_id TEXT NOT NULL PRIMARY KEY,   -- rec_…
    customer_id TEXT REFERENCES customer (customer_id),
    state TEXT NOT NULL,                     -- code_sent | cooling | done | canceled
    name TEXT NOT NULL,                      -- of the new phone
    sign_key_thumbprint {bytes} NOT NULL,    -- of the new phone
    agree_key {bytes} NOT NULL,              -- of the new phone: SEC1
    code {bytes} NOT NULL,                   -- six digits, sealed for this row
    tries {bigint} NOT NULL,                 -- wrong codes so far
    recovery_code_hash {bytes} NOT NULL,     -- of the recovery code that was given; used up with the SMS code
    created_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL,            -- of the code; once cooling, of the recovery
    ready_at {bigint},                       -- when it may be finished
    done_at {bigint},
    canceled_at {bigint}
) {strict};
-- The later of two recoveries ends the earlier one.
CREATE UNIQUE INDEX recovery_under_way ON recovery (customer_id) WHERE state = 'cooling';
CREATE INDEX recovery_by_expiry ON recovery (expires_at);
