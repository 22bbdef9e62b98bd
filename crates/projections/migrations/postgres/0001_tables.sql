-- What the event log says, as rows. Everything here derives from the log and can be rebuilt from it.
--
-- Conventions: ids are UUID text; times are milliseconds since 1970-01-01T00:00:00Z; names are those of the events; a null means
-- that the log does not say. (log_partition, first_offset) is where a request's events stand: it sorts as the log grows, which
-- keeps rows written together in one place. Tables that hang on a request carry it in front of their key. Texts compare byte by byte,
-- whatever the database's language, so that orders and smallest values are those of SQLite.

-- One row per request: what was asked, what it has come to and why.
CREATE TABLE requests (
    request_id        TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- HMAC of source and idempotency key: the same submission, the same id
    log_partition     BIGINT           NOT NULL,             -- partition of the log that holds its events
    first_offset      BIGINT           NOT NULL,             -- offset of its first event
    submission_id     TEXT COLLATE "C",                      -- the accepted arrival; null for dead letters of records that named no request
    source            TEXT COLLATE "C",                      -- upstream system
    key_token         TEXT COLLATE "C",                      -- HMAC of the idempotency key
    exchange_id       TEXT COLLATE "C",                      -- exchange it belongs to
    parent_request_id TEXT COLLATE "C",                      -- request it refers to (refresh, reversal, revocation)
    workflow          TEXT COLLATE "C",                      -- request_data, answer_match, answer_export, refresh, reversal, revocation, deliver
    role              TEXT COLLATE "C",                      -- requester: we ask; responder: we answer
    counterparty      TEXT COLLATE "C",                      -- the other payer
    member_token      TEXT COLLATE "C",                      -- HMAC of what identifies the member in the submission
    due_by            BIGINT,                                -- when it must have ended
    signed            BOOLEAN,                               -- whether the submission was signed
    received_at       BIGINT,                                -- when it was received
    last_offset       BIGINT           NOT NULL,             -- offset of its last event
    lane              TEXT COLLATE "C",                      -- urgent, standard, bulk: the one it takes now
    consent           TEXT COLLATE "C",                      -- regular, sensitive
    consent_end       BIGINT,                                -- end of the consent
    matched_token     TEXT COLLATE "C",                      -- the member as identity found them
    rule              TEXT COLLATE "C",                      -- matching rule that fired
    candidates        BIGINT,                                -- roster members that were candidates
    open_review       BIGINT,                                -- offset that opened the review under way (reviews.opened_offset)
    operation_id      TEXT COLLATE "C",                      -- latest operation at the partner
    partner           TEXT COLLATE "C",                      -- partner it is asked of
    attempt           BIGINT,                                -- attempt under way, from 1
    dispatched_at     BIGINT,                                -- when the partner was first asked
    acknowledged_at   BIGINT,                                -- when it first confirmed
    fulfilled_at      BIGINT,                                -- when it delivered
    reference         TEXT COLLATE "C",                      -- the partner's own reference
    retries           BIGINT           NOT NULL,             -- attempts that failed and were followed by another
    received_records  BIGINT,                                -- records that came
    evidence          TEXT COLLATE "C",                      -- where the sealed data lies
    failure_class     TEXT COLLATE "C",                      -- class of the last failure
    partner_code      TEXT COLLATE "C",                      -- the partner's code, when it refused
    breaches          BIGINT           NOT NULL,             -- clocks that ran out
    state             TEXT COLLATE "C" NOT NULL,             -- where it stands
    progress          TEXT COLLATE "C" NOT NULL,             -- how far it came; never falls
    outcome           TEXT COLLATE "C",                      -- fulfilled, rejected, cancelled, superseded, escalated
    state_since       BIGINT           NOT NULL,             -- when the state was entered
    events            BIGINT           NOT NULL,             -- events so far
    anomalies         BIGINT           NOT NULL,             -- events that should not have happened when they did
    chain             TEXT COLLATE "C" NOT NULL,             -- running SHA-256 over its events
    code              TEXT COLLATE "C",                      -- reason of the state, where there is something to explain
    owner             TEXT COLLATE "C",                      -- who owns it, beyond automatic means
    tier              BIGINT,                                -- how far it was escalated
    superseded_by     TEXT COLLATE "C",                      -- request that took its place
    closed_at         BIGINT                                 -- when it was closed; null while it is open
);

-- One row per event, as it happened and what it did to its request. Nothing looks a row up while a rebuild loads it, so its key is
-- made afterwards.
CREATE TABLE timeline (
    log_partition BIGINT           NOT NULL,
    first_offset  BIGINT           NOT NULL,
    log_offset    BIGINT           NOT NULL, -- where the event stands: the order of a request's facts
    request_id    TEXT COLLATE "C" NOT NULL, -- the request; for a refused submission its submission id
    appended_at   BIGINT           NOT NULL, -- when it came to stand on the log: what "as of" means
    at            BIGINT           NOT NULL, -- when the worker decided it
    worker        TEXT COLLATE "C" NOT NULL, -- intake, identity, dispatch, reconciliation, triage
    version       TEXT COLLATE "C" NOT NULL, -- that worker's version
    kind          TEXT COLLATE "C" NOT NULL, -- what happened: received, identity-matched, partner-dispatched, ...
    step          TEXT COLLATE "C" NOT NULL, -- advanced, noted; out_of_order, after_end, effect_after_end where it should not have happened
    state         TEXT COLLATE "C" NOT NULL, -- the request's state afterwards
    left_state    TEXT COLLATE "C",          -- the state it ended, if it ended one
    spent_ms      BIGINT,                    -- how long that state had lasted
    detail        TEXT COLLATE "C" NOT NULL, -- the event's own fields, as JSON
    cause         TEXT COLLATE "C" NOT NULL  -- id of the record that caused it
);

-- Which request a source's idempotency key names. The key of this table holds each key to one acceptance; a second one is an alarm.
CREATE TABLE acceptances (
    source        TEXT COLLATE "C" NOT NULL,
    key_token     TEXT COLLATE "C" NOT NULL,
    request_id    TEXT COLLATE "C" NOT NULL,
    log_partition BIGINT           NOT NULL, -- where the acceptance stands
    log_offset    BIGINT           NOT NULL,
    at            BIGINT           NOT NULL,
    PRIMARY KEY (source, key_token)
);

-- Arrivals that named no new request: refused, duplicate, conflict. The accepted ones are in requests.
CREATE TABLE submissions (
    log_partition BIGINT           NOT NULL,
    log_offset    BIGINT           NOT NULL,
    submission_id TEXT COLLATE "C" NOT NULL,
    result        TEXT COLLATE "C" NOT NULL, -- refused, duplicate, conflict
    request_id    TEXT COLLATE "C",          -- the request its key names, or for a refused one would have named
    source        TEXT COLLATE "C",          -- upstream system, as claimed
    code          TEXT COLLATE "C",          -- reason
    fields        TEXT COLLATE "C",          -- fields at fault or in conflict, joined by commas
    at            BIGINT           NOT NULL,
    PRIMARY KEY (log_partition, log_offset)
);

-- Each time a partner was asked, and what came of it.
CREATE TABLE attempts (
    log_partition   BIGINT           NOT NULL,
    first_offset    BIGINT           NOT NULL,
    operation_id    TEXT COLLATE "C" NOT NULL, -- the side effect; idempotency key of its attempts
    attempt         BIGINT           NOT NULL, -- from 1: each ends when a call fails, or with the operation
    request_id      TEXT COLLATE "C" NOT NULL,
    partner         TEXT COLLATE "C",
    due_at          BIGINT,                    -- when it was due to begin
    acknowledged_at BIGINT,
    ended_at        BIGINT,
    result          TEXT COLLATE "C",          -- acknowledged, fulfilled, refused, failed, unknown, compensated; null while under way
    failure_class   TEXT COLLATE "C",
    code            TEXT COLLATE "C",
    resolution      TEXT COLLATE "C",          -- how an unknown outcome is resolved: query, resend, review
    PRIMARY KEY (log_partition, first_offset, operation_id, attempt)
);

-- Questions a person had to answer.
CREATE TABLE reviews (
    log_partition BIGINT           NOT NULL,
    first_offset  BIGINT           NOT NULL,
    opened_offset BIGINT           NOT NULL,
    request_id    TEXT COLLATE "C" NOT NULL,
    code          TEXT COLLATE "C", -- why a person has to decide
    candidates    BIGINT,
    opened_at     BIGINT,
    due_by        BIGINT,
    decided_at    BIGINT,
    operator      TEXT COLLATE "C",
    verdict       TEXT COLLATE "C", -- is_member, is_nobody, took_effect, took_no_effect
    command_id    TEXT COLLATE "C",
    PRIMARY KEY (log_partition, first_offset, opened_offset)
);

-- What people wanted, and what came of it.
CREATE TABLE commands (
    log_partition BIGINT           NOT NULL,
    first_offset  BIGINT           NOT NULL,
    command_id    TEXT COLLATE "C" NOT NULL,
    request_id    TEXT COLLATE "C" NOT NULL,
    action        TEXT COLLATE "C" NOT NULL, -- cancel, hold, release, decide_review, resolve_unknown, replay_letter, discard_letter
    operator      TEXT COLLATE "C",
    at            BIGINT           NOT NULL, -- when the fleet last acted on it
    result        TEXT COLLATE "C" NOT NULL, -- accepted, passed, done, failed, refused
    code          TEXT COLLATE "C",
    PRIMARY KEY (log_partition, first_offset, command_id)
);

-- Records a stage could not decide.
CREATE TABLE dead_letters (
    log_partition BIGINT           NOT NULL,
    first_offset  BIGINT           NOT NULL,
    letter_id     TEXT COLLATE "C" NOT NULL,
    request_id    TEXT COLLATE "C" NOT NULL, -- the letter's own id where the record named no request
    worker        TEXT COLLATE "C",          -- stage that gave up
    failure_class TEXT COLLATE "C",
    code          TEXT COLLATE "C",
    signature     TEXT COLLATE "C",          -- letters of one cause share it
    lettered_at   BIGINT,
    state         TEXT COLLATE "C" NOT NULL, -- open, replayed, discarded
    settled_at    BIGINT,
    operator      TEXT COLLATE "C",
    command_id    TEXT COLLATE "C",
    PRIMARY KEY (log_partition, first_offset, letter_id)
);

-- What each partner did on each day (UTC), as sums.
CREATE TABLE partner_days (
    partner                TEXT COLLATE "C" NOT NULL,
    day                    TEXT COLLATE "C" NOT NULL, -- YYYY-MM-DD
    dispatched             BIGINT           NOT NULL, -- requests it was asked
    acknowledged           BIGINT           NOT NULL, -- requests it confirmed
    fulfilled              BIGINT           NOT NULL, -- requests it delivered
    refused                BIGINT           NOT NULL, -- requests it refused for good
    exhausted              BIGINT           NOT NULL, -- requests whose attempts were all spent
    unknown                BIGINT           NOT NULL, -- attempts whose outcome nobody knew
    breached               BIGINT           NOT NULL, -- clocks that ran out while it had a request
    mismatched             BIGINT           NOT NULL, -- deliveries that did not agree with its own manifest
    compensated            BIGINT           NOT NULL, -- effects that were undone
    effects_after_end      BIGINT           NOT NULL, -- deliveries after a request had ended otherwise
    records                BIGINT           NOT NULL, -- records it delivered
    acknowledge_ms         BIGINT           NOT NULL, -- sum of the times from asking to confirmation
    fulfil_ms              BIGINT           NOT NULL, -- sum of the times from asking to delivery
    failed_transport       BIGINT           NOT NULL, -- failed attempts by class
    failed_timeout         BIGINT           NOT NULL,
    failed_throttled       BIGINT           NOT NULL,
    failed_authentication  BIGINT           NOT NULL,
    failed_authorisation   BIGINT           NOT NULL,
    failed_schema          BIGINT           NOT NULL,
    failed_business_rule   BIGINT           NOT NULL,
    failed_permanent       BIGINT           NOT NULL,
    failed_outcome_unknown BIGINT           NOT NULL,
    failed_defect          BIGINT           NOT NULL,
    PRIMARY KEY (partner, day)
);

-- Records of the log that are no facts here; each is a gap in somebody's timeline.
CREATE TABLE unreadable (
    log_partition BIGINT           NOT NULL,
    log_offset    BIGINT           NOT NULL,
    appended_at   BIGINT           NOT NULL,
    request_id    TEXT COLLATE "C",          -- the request the record's key names
    bytes         BIGINT           NOT NULL, -- size of its value
    code          TEXT COLLATE "C" NOT NULL, -- reason
    place         TEXT COLLATE "C" NOT NULL, -- where reading failed
    PRIMARY KEY (log_partition, log_offset)
);

-- What must never happen and did.
CREATE TABLE alarms (
    log_partition BIGINT           NOT NULL,
    log_offset    BIGINT           NOT NULL, -- event that gave it away
    kind          TEXT COLLATE "C" NOT NULL, -- key_bound_twice, chain_differs
    request_id    TEXT COLLATE "C" NOT NULL,
    at            BIGINT           NOT NULL,
    PRIMARY KEY (log_partition, log_offset, kind)
);

-- How far the log is projected. Written in the transaction that writes the rows.
CREATE TABLE offsets (
    log_partition BIGINT NOT NULL PRIMARY KEY,
    next_offset   BIGINT NOT NULL -- first offset that is not yet projected
);

-- What made these rows.
CREATE TABLE meta (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- projection_version
    value TEXT COLLATE "C" NOT NULL
);
