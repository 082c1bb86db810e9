-- Who changed a merchant's account, who let it be paid to before its time, and which one stood
-- before, in case the change is refused.
ALTER TABLE payout_account ADD COLUMN changed_by TEXT;         -- mus_…, stf_… or machine
ALTER TABLE payout_account ADD COLUMN approved_by TEXT;        -- stf_…
ALTER TABLE payout_account ADD COLUMN previous_sealed {bytes}; -- the last that could be paid to
ALTER TABLE payout_account ADD COLUMN previous_digits TEXT;
