-- Why: every verdict of the gate, with what it saw. Append only; holds personal data, so each row
-- has a time after which it is deleted. Many decisions are written as one row: the gate commits in
-- groups, and a row a decision would cost more than the payment it explains.

CREATE TABLE decision_batch (
    node {bigint} NOT NULL,                  -- which process wrote it
    first_number {bigint} NOT NULL,          -- of the decisions in `body`, rising by 1
    last_number {bigint} NOT NULL,
    first_at {bigint} NOT NULL,              -- microseconds UTC
    last_at {bigint} NOT NULL,
    delete_after {bigint} NOT NULL,
    body TEXT NOT NULL,                      -- JSON lines, one a decision, in order
    PRIMARY KEY (node, first_number)
) {without_rowid};
CREATE INDEX decision_batch_by_time ON decision_batch (first_at);

-- A node number is taken once, by one process, for its whole life.
CREATE TABLE decision_node (
    node {bigint} NOT NULL PRIMARY KEY,
    started_at {bigint} NOT NULL
) {strict};
