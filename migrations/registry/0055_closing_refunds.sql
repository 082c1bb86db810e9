-- An account closes and its paid value is paid back (府令42条): why, on what ground two people
-- agreed, and how much of a base period is for who simply wishes.

ALTER TABLE refund_claim ADD COLUMN closing_reason TEXT; -- moves_away | cannot_use | heir | wishes
ALTER TABLE refund_claim ADD COLUMN ground TEXT;         -- unavoidable | quota | service_end
ALTER TABLE refund_claim ADD COLUMN ground_note TEXT;    -- what was seen, for staff
CREATE INDEX refund_claim_by_ground ON refund_claim (ground, state) WHERE ground = 'quota';

CREATE TABLE refund_quota (
    period TEXT NOT NULL PRIMARY KEY,        -- the first day of a base period, 2026-10-01
    issued_before {bigint} NOT NULL,         -- in the period before
    unused_at_base {bigint} NOT NULL,        -- at the base date before
    cap_yen {bigint} NOT NULL,               -- what may be refunded in the period
    turn {bigint} NOT NULL,                  -- who counts in a transaction raises it first
    read_at {bigint} NOT NULL
) {strict};
