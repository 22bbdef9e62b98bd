-- Verifications fail rarely: the few rows are found by an index of their own.
CREATE INDEX timeline_verifications ON timeline (at) WHERE kind = 'verification-failed';

-- Matches that the roster no longer bears out, with whom data about somebody else may lie now. What was closed by then nobody undoes.
CREATE VIEW withdrawals AS
SELECT
    r.request_id,
    CAST(t.detail AS JSON) #>> '{withdrawn,member_token}' AS withdrawn_token,
    t.at,
    CASE WHEN t.state = 'closed' THEN 'closed' ELSE 'open' END AS request_was,
    CAST(t.detail AS JSON) #>> '{withdrawn,fields}' AS fields,
    CAST(CAST(t.detail AS JSON) #>> '{withdrawn,probability_ppm}' AS BIGINT) AS probability_ppm,
    r.source,
    r.workflow AS purpose,
    r.counterparty,
    r.role,
    r.dispatched_at,
    r.fulfilled_at,
    r.received_records,
    r.state,
    r.outcome,
    r.owner,
    r.exchange_id,
    t.log_partition,
    t.log_offset
FROM timeline AS t
JOIN requests AS r ON r.log_partition = t.log_partition AND r.first_offset = t.first_offset
WHERE t.kind = 'verification-failed' AND CAST(t.detail AS JSON) #>> '{withdrawn,member_token}' IS NOT NULL;
