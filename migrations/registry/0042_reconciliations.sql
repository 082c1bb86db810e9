-- What others say about money against what the ledger says: the card gateway's report, the days of
-- partners who take cash. A run is of a kind, a subject and a period; run again it takes its place.
CREATE TABLE reconciliation (
    reconciliation_id TEXT NOT NULL PRIMARY KEY, -- rcn_…, derived from the three
    kind TEXT NOT NULL,                      -- card | cash
    subject TEXT NOT NULL,                   -- the gateway's name, or the partner: mer_…
    from_day TEXT NOT NULL,                  -- the first day in Japan, 2026-04-01
    until_day TEXT NOT NULL,                 -- the last
    ours_count {bigint} NOT NULL,
    ours_yen {bigint} NOT NULL,
    theirs_count {bigint} NOT NULL,
    theirs_yen {bigint} NOT NULL,
    fee_yen {bigint} NOT NULL,               -- what the gateway took for it
    made_at {bigint} NOT NULL,
    made_by TEXT NOT NULL                    -- stf_… or machine
) {strict};

-- What does not agree, until it does or somebody has explained it.
CREATE TABLE reconciliation_difference (
    difference_id TEXT NOT NULL PRIMARY KEY, -- rdf_…, derived from kind, subject and reference
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    reference TEXT NOT NULL,                 -- a charge at the gateway; a day and terminal
    on_day TEXT NOT NULL,
    what TEXT NOT NULL,                      -- only_ours | only_theirs | amount
    ours_yen {bigint} NOT NULL,
    theirs_yen {bigint} NOT NULL,
    state TEXT NOT NULL,                     -- open | taken | explained | agreed
    first_at {bigint} NOT NULL,
    state_at {bigint} NOT NULL,
    taken_by TEXT,                           -- stf_…
    explanation TEXT
) {strict};
CREATE INDEX reconciliation_difference_by_state ON reconciliation_difference (state, on_day);
CREATE INDEX reconciliation_difference_by_subject ON reconciliation_difference (kind, subject, on_day);
