-- Acts on a cohort: planned as rows, agreed on by two people, carried out row by row. Whoever works
-- on a row, and however often, it is done once.

CREATE TABLE incident_act (
    act_id TEXT NOT NULL PRIMARY KEY,        -- iac_…
    incident_id TEXT NOT NULL REFERENCES incident (incident_id),
    kind TEXT NOT NULL,                      -- freeze | unfreeze | sign_out | …
    parameters TEXT NOT NULL,                -- JSON
    state TEXT NOT NULL,                     -- planned | asked | running | done
    row_count {bigint} NOT NULL,
    total_yen {bigint} NOT NULL,
    digest {bytes} NOT NULL,                 -- SHA-256 of kind, parameters and rows: what is agreed on
    planned_by TEXT NOT NULL,                -- stf_…
    planned_at {bigint} NOT NULL,
    approval_id TEXT,                        -- apr_…
    reason TEXT NOT NULL,
    started_by TEXT,                         -- stf_…
    started_at {bigint},
    done_at {bigint}
) {strict};
CREATE INDEX incident_act_by_incident ON incident_act (incident_id, planned_at);
CREATE INDEX incident_act_running ON incident_act (started_at) WHERE state = 'running';

CREATE TABLE incident_act_row (
    act_id TEXT NOT NULL REFERENCES incident_act (act_id),
    subject TEXT NOT NULL,                   -- cus_… | mer_… | a door
    yen {bigint} NOT NULL,                   -- as planned; 0 if none move
    state TEXT NOT NULL,                     -- waiting | done
    outcome TEXT NOT NULL,                   -- done | already | gone | payout | nothing; '' while waiting
    moved_yen {bigint} NOT NULL,             -- what moved in fact
    done_at {bigint},
    PRIMARY KEY (act_id, subject)
) {strict};
