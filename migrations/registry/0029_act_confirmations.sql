-- What risk rules want a customer to confirm at the phone because it began at a register: asked
-- when the register is refused, confirmed with passkey or authenticator app, good for some minutes
-- for this customer, store and act, up to this amount.

CREATE TABLE act_confirmation (
    confirmation_id TEXT NOT NULL PRIMARY KEY,  -- acf_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    act TEXT NOT NULL,                          -- as rules call it: payment, topup_cash, topup_atm
    store_id TEXT NOT NULL REFERENCES store (store_id),
    amount {bigint} NOT NULL,                   -- yen
    asked_at {bigint} NOT NULL,                 -- microseconds UTC
    confirmed_at {bigint},                      -- NULL: not yet
    declined_at {bigint}                        -- the customer said that it is not them
) {strict};
CREATE INDEX act_confirmation_by_customer ON act_confirmation (customer_id, asked_at);
