-- One event that we place, from the intent to what stands in the calendar. The row is committed before
-- the provider is called and is at once the idempotency record of the request that asked for it.
--   request_id   nginx's id, the same when it hands a request to the next worker
--   replay_key   SHA-256 of the Idempotency-Key, or of the body while no key was given; unique in its
--                scope; NULL once it no longer guards anything
--   keyed        replay_key is of an Idempotency-Key
--   answered     a caller was told that it stands; until then the same request once more gets it
--   placed_at    when it was marked placed or, if that was later, answered for the first time
--   claim_token  who is at it; every write-back names it, so that an overtaken worker changes nothing;
--                it begins with the time of the attempt
--   event        what is to be placed; NULL once it stands, so that the row does not grow then; of
--                origin 'event' it stays, for the guests, the zone and the notices that were asked for:
--                who is not among these guests was added by hand. It is changed by compare-and-set
--   answer       of origin 'event': the JSON that its first caller got, for as long as replay_key
--   settle_at    when calbridge-sync looks after it: to carry it forward while it is intended or
--                unsure, to forget replay_key, answer and (of what does not stand) event a day after
--                it came to its end; then NULL

CREATE TABLE IF NOT EXISTS calendar_event_mappings (
    id BINARY(16) NOT NULL,
    tenant_id BINARY(16) NOT NULL,
    owner_id BINARY(16) NOT NULL,
    connection_id BINARY(16) NOT NULL,
    origin ENUM('invite', 'event', 'appointment') CHARACTER SET ascii NOT NULL,
    state ENUM('intended', 'unsure', 'placed', 'refused', 'removed') CHARACTER SET ascii NOT NULL,
    request_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    replay_key BINARY(32) NULL,
    keyed BOOLEAN NOT NULL DEFAULT FALSE,
    body_hash BINARY(32) NULL,
    event_ref VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    calendar_id VARCHAR(255) NOT NULL,
    provider_event_id VARCHAR(255) NOT NULL,
    generation SMALLINT UNSIGNED NOT NULL DEFAULT 0,
    html_link VARCHAR(1024) NULL,
    event MEDIUMTEXT NULL,
    answer MEDIUMTEXT NULL,
    answered BOOLEAN NOT NULL DEFAULT FALSE,
    claim_token BINARY(16) NULL,
    claim_until DATETIME(3) NULL,
    attempt SMALLINT UNSIGNED NOT NULL DEFAULT 1,
    settle_at DATETIME(3) NULL,
    error VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at DATETIME(3) NOT NULL,
    placed_at DATETIME(3) NULL,
    PRIMARY KEY (id),
    UNIQUE KEY uq_mappings_replay (tenant_id, owner_id, origin, replay_key),
    UNIQUE KEY uq_mappings_request (request_id),
    UNIQUE KEY uq_mappings_event_ref (tenant_id, event_ref),
    KEY ix_mappings_connection (tenant_id, owner_id, connection_id, calendar_id),
    KEY ix_mappings_settle (state, settle_at),
    CONSTRAINT fk_mappings_connection FOREIGN KEY (tenant_id, owner_id, connection_id)
        REFERENCES coach_calendar_connections (tenant_id, owner_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
