-- What all processes and hosts know of a provider's limits. subject is a provider ('google') or one
-- account there ('google:<account id>').
--   paused_until  while it lies ahead nobody calls it, and reason says why
--   calls_due_at  when the calls that were given out so far are paid for at the pace that the
--                 provider allows; it may lie ahead by no more than a burst

CREATE TABLE IF NOT EXISTS provider_limits (
    subject VARCHAR(272) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    paused_until DATETIME(3) NULL,
    reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    calls_due_at DATETIME(3) NULL,
    updated_at DATETIME(3) NOT NULL,
    PRIMARY KEY (subject)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row for each call that may run at once on an account.

CREATE TABLE IF NOT EXISTS provider_slots (
    subject VARCHAR(272) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    slot TINYINT UNSIGNED NOT NULL,
    claim_token BINARY(16) NULL,
    held_until DATETIME(3) NOT NULL,
    PRIMARY KEY (subject, slot)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
