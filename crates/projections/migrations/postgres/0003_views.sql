-- Views for people. Those without a prefix are concepts that other tables hold already; those with v_ are reports.

-- One member, two payers, any number of requests.
CREATE VIEW exchanges AS
SELECT
    exchange_id,
    min(member_token)                              AS member_token,
    min(counterparty)                              AS counterparty,
    count(*)                                       AS requests,
    count(*) FILTER (WHERE closed_at IS NULL)      AS open_requests,
    count(*) FILTER (WHERE outcome = 'fulfilled')  AS fulfilled,
    count(*) FILTER (WHERE outcome = 'rejected')   AS rejected,
    count(*) FILTER (WHERE outcome = 'cancelled')  AS cancelled,
    count(*) FILTER (WHERE outcome = 'superseded') AS superseded,
    count(*) FILTER (WHERE outcome = 'escalated')  AS escalated,
    min(received_at)                               AS first_received_at,
    max(state_since)                               AS last_change_at
FROM requests
WHERE exchange_id IS NOT NULL
GROUP BY exchange_id;

-- What left us or came to us about a member: when, to or from whom, what for. A dispatch counts as a disclosure when it was
-- decided, whether or not the call got through.
CREATE VIEW disclosures AS
SELECT
    r.member_token,
    r.matched_token,
    t.at,
    CASE WHEN (r.role = 'requester') = (t.kind = 'partner-dispatched') THEN 'sent' ELSE 'received' END AS direction,
    CASE WHEN t.kind = 'partner-dispatched' THEN 'request' WHEN r.workflow = 'answer_match' THEN 'answer' ELSE 'records' END AS what,
    r.counterparty,
    r.workflow AS purpose,
    r.consent,
    r.request_id,
    r.exchange_id,
    CASE t.kind WHEN 'fulfilled' THEN
        CAST(least(CAST(CAST(t.detail AS JSON) #>> '{received,records}' AS NUMERIC), 9223372036854775807) AS BIGINT)
    END AS records,
    t.log_partition,
    t.log_offset
FROM requests AS r
JOIN timeline AS t ON t.log_partition = r.log_partition AND t.first_offset = r.first_offset
WHERE r.member_token IS NOT NULL
  -- As a responder we ask our own system of record first: nothing leaves us before it has answered.
  AND (t.kind = 'fulfilled' OR (t.kind = 'partner-dispatched' AND r.role = 'requester'));

-- Dead letters of one cause.
CREATE VIEW letter_groups AS
SELECT
    signature,
    min(worker)                                   AS worker,
    min(failure_class)                            AS failure_class,
    min(code)                                     AS code,
    count(*)                                      AS letters,
    count(*) FILTER (WHERE state = 'open')        AS open_letters,
    count(*) FILTER (WHERE state = 'replayed')    AS replayed,
    count(*) FILTER (WHERE state = 'discarded')   AS discarded,
    count(DISTINCT nullif(request_id, letter_id)) AS requests, -- a letter without a request stands under its own id
    min(lettered_at)                              AS first_at,
    max(lettered_at)                              AS last_at
FROM dead_letters
WHERE signature IS NOT NULL
GROUP BY signature;

-- Every arrival and what became of it.
CREATE VIEW v_submissions AS
SELECT submission_id, 'accepted' AS result, request_id, source, NULL AS code, NULL AS fields, received_at AS at
FROM requests WHERE submission_id IS NOT NULL
UNION ALL
SELECT submission_id, result, request_id, source, code, fields, at FROM submissions;

-- Requests that have not ended, with their age and what is left of their time. "Now" is the database's clock, when the transaction began.
CREATE VIEW v_requests_open AS
SELECT
    request_id, exchange_id, source, workflow, role, lane, counterparty, state, code, owner, tier, failure_class, retries,
    received_at,
    state_since,
    due_by,
    CAST(extract(epoch FROM now()) * 1000 AS BIGINT) - received_at AS age_ms,
    CAST(extract(epoch FROM now()) * 1000 AS BIGINT) - state_since AS in_state_ms,
    due_by - CAST(extract(epoch FROM now()) * 1000 AS BIGINT)      AS left_ms
FROM requests
WHERE closed_at IS NULL AND source IS NOT NULL;

-- One request's story: filter by request_id.
CREATE VIEW v_timeline AS
SELECT
    r.request_id,
    t.log_partition,
    t.log_offset,
    to_char(to_timestamp(t.at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at,
    t.worker, t.kind, t.step, t.state, t.left_state, t.spent_ms, t.detail, t.version, t.cause
FROM requests AS r
JOIN timeline AS t ON t.log_partition = r.log_partition AND t.first_offset = r.first_offset;

-- How long requests stayed in each state: all of them, and the slow end.
CREATE VIEW v_stage_durations AS
SELECT
    left_state                                    AS state,
    count(*)                                      AS requests,
    CAST(trunc(avg(spent_ms)) AS BIGINT)          AS mean_ms,
    min(spent_ms) FILTER (WHERE 0.50 <= rank)     AS p50_ms,
    min(spent_ms) FILTER (WHERE 0.90 <= rank)     AS p90_ms,
    min(spent_ms) FILTER (WHERE 0.99 <= rank)     AS p99_ms,
    max(spent_ms)                                 AS max_ms
FROM (
    SELECT left_state, spent_ms, cume_dist() OVER (PARTITION BY left_state ORDER BY spent_ms) AS rank
    FROM timeline WHERE left_state IS NOT NULL
) AS spent
GROUP BY left_state;

-- How each partner did on each day: rates in per cent of what it was asked, mean times in milliseconds.
CREATE VIEW v_partner_scorecard AS
SELECT
    partner,
    day,
    dispatched,
    CAST(round(100.0 * fulfilled / nullif(dispatched, 0), 1) AS DOUBLE PRECISION) AS fulfilled_pct,
    CAST(round(100.0 * refused / nullif(dispatched, 0), 1) AS DOUBLE PRECISION)   AS refused_pct,
    CAST(round(100.0 * exhausted / nullif(dispatched, 0), 1) AS DOUBLE PRECISION) AS exhausted_pct,
    failed_transport + failed_timeout + failed_throttled + failed_authentication + failed_authorisation + failed_schema
        + failed_business_rule + failed_permanent + failed_outcome_unknown + failed_defect AS failed_attempts,
    unknown,
    breached,
    mismatched,
    effects_after_end,
    records,
    acknowledge_ms / nullif(acknowledged, 0)            AS acknowledge_mean_ms,
    fulfil_ms / nullif(fulfilled, 0)                    AS fulfil_mean_ms
FROM partner_days;

-- Questions that wait for a person.
CREATE VIEW v_reviews_open AS
SELECT v.request_id, q.source, q.lane, q.counterparty, v.code, v.candidates, v.opened_at, v.due_by
FROM reviews AS v
JOIN requests AS q ON q.request_id = v.request_id
WHERE v.decided_at IS NULL AND q.open_review = v.opened_offset AND q.closed_at IS NULL;
