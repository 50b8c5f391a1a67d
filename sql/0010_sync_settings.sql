-- What the owner of a connection has chosen about the appointments in that calendar, and how the
-- last of them went. settings_version counts every change of the settings, for who would overwrite
-- one that he has not seen. last_error is an error's word, last_sync_status what became of it.

ALTER TABLE coach_calendar_connections
    ADD COLUMN IF NOT EXISTS sync_enabled BOOLEAN NOT NULL DEFAULT TRUE,
    ADD COLUMN IF NOT EXISTS auto_create_events BOOLEAN NOT NULL DEFAULT TRUE,
    ADD COLUMN IF NOT EXISTS auto_update_events BOOLEAN NOT NULL DEFAULT TRUE,
    ADD COLUMN IF NOT EXISTS include_client_details BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN IF NOT EXISTS event_title_template VARCHAR(255) NOT NULL
        DEFAULT 'ACT Coaching Session',
    ADD COLUMN IF NOT EXISTS event_description_template TEXT NOT NULL
        DEFAULT 'A coaching session booked through ACT Coaching.',
    ADD COLUMN IF NOT EXISTS settings_version BIGINT UNSIGNED NOT NULL DEFAULT 1,
    ADD COLUMN IF NOT EXISTS last_sync_at DATETIME(3) NULL,
    ADD COLUMN IF NOT EXISTS last_sync_status VARCHAR(32)
        CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN IF NOT EXISTS last_error VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL;
