-- Payments whose points are earned some days later. A view: what is missing is made again from the
-- journal, and what was issued before is not issued again.
CREATE TABLE points_due (
    capture_id {bytes} NOT NULL PRIMARY KEY, -- the payment
    due_at {bigint} NOT NULL
) {without_rowid};
CREATE INDEX points_due_by_time ON points_due (due_at);
