-- A payout that the bank refused before it took the file: it is out of the file, and owed again.
ALTER TABLE payout ADD COLUMN is_refused {bigint} NOT NULL DEFAULT 0;
-- The two steps of sending: first nothing can leave the file any more, then its sum is booked.
ALTER TABLE payout_file ADD COLUMN sent_booked_at {bigint};
UPDATE payout_file SET sent_booked_at = sent_at;
