-- What the client application wants to stand in its coaches' calendars. A program on the same
-- server may write here itself: it needs INSERT and UPDATE on this table, nothing else. Times are
-- UTC.
--   coach_id    the coach's external id in owners, who may come to be later
--   version     the writer's own count of its changes; NULL: it keeps none
--   quiet       set with a change, and with each one anew: nobody is mailed about it. It falls back
--               to FALSE by itself; was_quiet is what the last change said
--   revision    counts the changes that make a difference to a calendar

CREATE TABLE IF NOT EXISTS appointments (
    tenant_id BINARY(16) NOT NULL DEFAULT X'00000000000000000000000000000001',
    appointment_id VARCHAR(128) NOT NULL,
    coach_id VARCHAR(128) NOT NULL,
    client_name VARCHAR(255) NULL,
    client_email VARCHAR(254) NULL,
    start_time DATETIME(3) NOT NULL,
    end_time DATETIME(3) NOT NULL,
    time_zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    service_name VARCHAR(255) NULL,
    notes TEXT NULL,
    location VARCHAR(1024) NULL,
    status ENUM('pending', 'confirmed', 'cancelled') CHARACTER SET ascii NOT NULL DEFAULT 'pending',
    version BIGINT UNSIGNED NULL,
    quiet BOOLEAN NOT NULL DEFAULT FALSE,
    was_quiet BOOLEAN NOT NULL DEFAULT FALSE,
    revision BIGINT UNSIGNED NOT NULL DEFAULT 1,
    created_at DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    updated_at DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    PRIMARY KEY (tenant_id, appointment_id),
    KEY ix_appointments_coach (tenant_id, coach_id, start_time, appointment_id),
    CONSTRAINT fk_appointments_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TRIGGER IF NOT EXISTS appointments_before_insert BEFORE INSERT ON appointments FOR EACH ROW
    SET NEW.was_quiet = NEW.quiet, NEW.quiet = FALSE, NEW.revision = 1;

CREATE TRIGGER IF NOT EXISTS appointments_before_update BEFORE UPDATE ON appointments FOR EACH ROW
    SET NEW.was_quiet = NEW.quiet, NEW.quiet = FALSE,
        NEW.revision = OLD.revision + IF(
            NEW.coach_id <=> OLD.coach_id AND NEW.client_name <=> OLD.client_name
            AND NEW.client_email <=> OLD.client_email AND NEW.start_time <=> OLD.start_time
            AND NEW.end_time <=> OLD.end_time AND NEW.time_zone <=> OLD.time_zone
            AND NEW.service_name <=> OLD.service_name AND NEW.notes <=> OLD.notes
            AND NEW.location <=> OLD.location AND NEW.status <=> OLD.status, 0, 1),
        NEW.updated_at = IF(NEW.revision = OLD.revision, OLD.updated_at, UTC_TIMESTAMP(3));
