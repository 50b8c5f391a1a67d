-- Which calendar may be out of date on which appointment. Triggers on appointments say so, for our
-- own writes and for those of any other program: nobody else needs to. They run with the rights of
-- who migrates.

-- One lane a connection, so that they take turns. Whoever opens a job wakes its lane in the same
-- transaction, the lane first, so that nobody waits for a lane while holding a job.
--   is_fed        its coach's appointments are queued for it
--   is_active     its jobs may run: the provider accepts our tokens
--   turn_at        when it has its next turn, at the latest when its next job is due; a turn for
--                 nothing does no harm. NULL: no job is open, or it is not active
--   paused_until  while that lies ahead a turn takes nothing
--   is_full       as many of its jobs run as may: the end of one wakes it

CREATE TABLE IF NOT EXISTS calendar_sync_lanes (
    connection_id BINARY(16) NOT NULL,
    tenant_id BINARY(16) NOT NULL,
    coach_id VARCHAR(128) NOT NULL,
    provider VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    is_fed BOOLEAN NOT NULL,
    is_active BOOLEAN NOT NULL,
    turn_at DATETIME(3) NULL,
    paused_until DATETIME(3) NULL,
    pause_reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    is_full BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (connection_id),
    KEY ix_sync_lanes_coach (tenant_id, coach_id),
    KEY ix_sync_lanes_turn (provider, tenant_id, turn_at),
    CONSTRAINT fk_sync_lanes_connection FOREIGN KEY (connection_id)
        REFERENCES coach_calendar_connections (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One job a connection and appointment for ever: open while it is waiting or running, and
-- afterwards what became of it.
--   generation       counts what was said about the appointment; loud_generation is the last that
--                    may mail, done_generation the last that was carried out
--   due_at           of a waiting one when it may run, of a running one when its lease ends; NULL
--                    when it is not open
--   attempt          how often it was begun since something new was said
--   result           of a done one what was written or why nothing was, else the last error
--   sync_id          the last Sync now that asked for it

CREATE TABLE IF NOT EXISTS calendar_sync_queue (
    id BINARY(16) NOT NULL DEFAULT (CONCAT(
        UNHEX(LPAD(HEX(FLOOR(UNIX_TIMESTAMP(CURRENT_TIMESTAMP(3)) * 1000)), 12, '0')),
        RANDOM_BYTES(10))),
    tenant_id BINARY(16) NOT NULL,
    connection_id BINARY(16) NOT NULL,
    appointment_id VARCHAR(128) NOT NULL,
    state ENUM('waiting', 'running', 'done', 'dead') CHARACTER SET ascii NOT NULL DEFAULT 'waiting',
    generation BIGINT UNSIGNED NOT NULL DEFAULT 1,
    loud_generation BIGINT UNSIGNED NOT NULL DEFAULT 0,
    done_generation BIGINT UNSIGNED NOT NULL DEFAULT 0,
    due_at DATETIME(3) NULL DEFAULT UTC_TIMESTAMP(3),
    attempt SMALLINT UNSIGNED NOT NULL DEFAULT 0,
    claim_token BINARY(16) NULL,
    result VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    sync_id BINARY(16) NULL,
    queued_at DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    ended_at DATETIME(3) NULL,
    PRIMARY KEY (id),
    UNIQUE KEY uq_sync_queue_pair (connection_id, appointment_id),
    KEY ix_sync_queue_due (connection_id, due_at),
    KEY ix_sync_queue_state (connection_id, state, due_at),
    KEY ix_sync_queue_appointment (tenant_id, appointment_id),
    KEY ix_sync_queue_open (state, due_at),
    CONSTRAINT fk_sync_queue_lane FOREIGN KEY (connection_id)
        REFERENCES calendar_sync_lanes (connection_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A connection brings its lane.

CREATE TRIGGER IF NOT EXISTS connections_after_insert AFTER INSERT ON coach_calendar_connections
FOR EACH ROW
    INSERT INTO calendar_sync_lanes
        (connection_id, tenant_id, coach_id, provider, is_fed, is_active)
    SELECT NEW.id, NEW.tenant_id, o.external_id, NEW.provider,
        NEW.sync_enabled AND NEW.status <> 'disconnected', NEW.status = 'active'
    FROM owners o WHERE o.id = NEW.owner_id
    ON DUPLICATE KEY UPDATE is_fed = VALUES(is_fed), is_active = VALUES(is_active);

CREATE TRIGGER IF NOT EXISTS connections_after_update AFTER UPDATE ON coach_calendar_connections
FOR EACH ROW
    UPDATE calendar_sync_lanes
    SET is_fed = NEW.sync_enabled AND NEW.status <> 'disconnected',
        is_active = NEW.status = 'active',
        turn_at = IF(NEW.status = 'active', UTC_TIMESTAMP(3), NULL)
    WHERE connection_id = NEW.id
        AND (NEW.status <> OLD.status OR NEW.sync_enabled <> OLD.sync_enabled);

INSERT IGNORE INTO calendar_sync_lanes
    (connection_id, tenant_id, coach_id, provider, is_fed, is_active)
SELECT c.id, c.tenant_id, o.external_id, c.provider,
    c.sync_enabled AND c.status <> 'disconnected', c.status = 'active'
FROM coach_calendar_connections c JOIN owners o ON o.id = c.owner_id;

-- Whatever is said about an appointment is said here, of its coach and of the one who had it before
-- (NULL: of nobody): first the lanes are woken, then their jobs opened. A running one stays as it
-- is and finds a newer generation at its end.

CREATE PROCEDURE IF NOT EXISTS calendar_sync_wake(
    of_tenant BINARY(16),
    of_coach VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    or_former VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
MODIFIES SQL DATA
    UPDATE calendar_sync_lanes
    SET turn_at = IF(turn_at <= UTC_TIMESTAMP(3), turn_at, UTC_TIMESTAMP(3))
    WHERE tenant_id = of_tenant AND coach_id IN (of_coach, or_former) AND is_fed;

CREATE PROCEDURE IF NOT EXISTS calendar_sync_open(
    of_tenant BINARY(16),
    of_coach VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    or_former VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    of_appointment VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    is_quiet BOOLEAN)
MODIFIES SQL DATA
    INSERT INTO calendar_sync_queue (tenant_id, connection_id, appointment_id, loud_generation)
    SELECT l.tenant_id, l.connection_id, of_appointment, NOT is_quiet
    FROM calendar_sync_lanes l
    WHERE l.tenant_id = of_tenant AND l.coach_id IN (of_coach, or_former) AND l.is_fed
    ON DUPLICATE KEY UPDATE
        generation = generation + 1,
        loud_generation = IF(is_quiet, loud_generation, generation),
        attempt = IF(state = 'running', attempt, 0),
        due_at = IF(state = 'running', due_at, VALUES(due_at)),
        queued_at = IF(state IN ('done', 'dead'), VALUES(queued_at), queued_at),
        state = IF(state = 'running', state, 'waiting');

-- A new one that is not confirmed stands nowhere and asks for nothing.

CREATE TRIGGER IF NOT EXISTS appointments_after_insert_wake AFTER INSERT ON appointments
FOR EACH ROW
    CALL calendar_sync_wake(NEW.tenant_id, IF(NEW.status = 'confirmed', NEW.coach_id, NULL), NULL);

CREATE TRIGGER IF NOT EXISTS appointments_after_insert_open AFTER INSERT ON appointments
FOR EACH ROW FOLLOWS appointments_after_insert_wake
    CALL calendar_sync_open(NEW.tenant_id, IF(NEW.status = 'confirmed', NEW.coach_id, NULL), NULL,
        NEW.appointment_id, NEW.was_quiet);

CREATE TRIGGER IF NOT EXISTS appointments_after_update_wake AFTER UPDATE ON appointments
FOR EACH ROW
    CALL calendar_sync_wake(NEW.tenant_id,
        IF(NEW.revision > OLD.revision, NEW.coach_id, NULL),
        IF(NEW.revision > OLD.revision, OLD.coach_id, NULL));

CREATE TRIGGER IF NOT EXISTS appointments_after_update_open AFTER UPDATE ON appointments
FOR EACH ROW FOLLOWS appointments_after_update_wake
    CALL calendar_sync_open(NEW.tenant_id,
        IF(NEW.revision > OLD.revision, NEW.coach_id, NULL),
        IF(NEW.revision > OLD.revision, OLD.coach_id, NULL),
        NEW.appointment_id, NEW.was_quiet);

-- A row that is gone is as a cancelled one.

CREATE TRIGGER IF NOT EXISTS appointments_after_delete_wake AFTER DELETE ON appointments
FOR EACH ROW
    CALL calendar_sync_wake(OLD.tenant_id, OLD.coach_id, NULL);

CREATE TRIGGER IF NOT EXISTS appointments_after_delete_open AFTER DELETE ON appointments
FOR EACH ROW FOLLOWS appointments_after_delete_wake
    CALL calendar_sync_open(OLD.tenant_id, OLD.coach_id, NULL, OLD.appointment_id, FALSE);
