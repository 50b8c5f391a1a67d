-- Pauses that all processes share. subject is a provider ('google') or one of its connections
-- ('google:<id>'); while paused_until lies ahead nobody calls it, and reason says why.

CREATE TABLE IF NOT EXISTS provider_limits (
    subject VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    paused_until DATETIME(3) NOT NULL,
    reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    PRIMARY KEY (subject)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
