-- Sales that are not paid out for now: a statement carries them on as held.

-- Rises with every hold and release. A statement that was reckoned with another number is reckoned
-- again: who holds or settles takes this row first.
ALTER TABLE merchant ADD COLUMN sale_holds {bigint} NOT NULL DEFAULT 0;

CREATE TABLE sale_hold (
    transfer_id {bytes} NOT NULL,            -- the payment
    incident_id TEXT NOT NULL REFERENCES incident (incident_id),
    merchant_id TEXT NOT NULL REFERENCES merchant (merchant_id),
    store_id TEXT NOT NULL,                  -- sto_…
    sold_at {bigint} NOT NULL,
    act_id TEXT NOT NULL,                    -- iac_… that held it last
    held_at {bigint} NOT NULL,
    released_by TEXT,                        -- iac_… that released it
    released_at {bigint},
    PRIMARY KEY (transfer_id, incident_id)   -- held as long as any incident holds it
) {strict};
CREATE INDEX sale_hold_held ON sale_hold (merchant_id) WHERE released_at IS NULL;
CREATE INDEX sale_hold_by_incident ON sale_hold (incident_id);
