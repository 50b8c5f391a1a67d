-- One authorised calendar account of an owner. Tokens are sealed blobs (AES-256-GCM, bound to tenant,
-- row and column). token_version counts every change of the tokens; with lease_owner and
-- lease_until it makes the refresh one at a time over all processes and hosts.

CREATE TABLE IF NOT EXISTS coach_calendar_connections (
    id BINARY(16) NOT NULL,
    tenant_id BINARY(16) NOT NULL,
    owner_id BINARY(16) NOT NULL,
    provider VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    account_id VARCHAR(255) NOT NULL,
    account_email VARCHAR(254) NULL,
    calendar_id VARCHAR(255) NOT NULL DEFAULT 'primary',
    calendar_name VARCHAR(255) NULL,
    granted_scopes VARCHAR(2048) NOT NULL DEFAULT '',
    status ENUM('active', 'reauth_required', 'disconnected') CHARACTER SET ascii NOT NULL,
    access_token VARBINARY(8225) NULL,
    refresh_token VARBINARY(8225) NULL,
    access_expires_at DATETIME(3) NULL,
    token_version BIGINT UNSIGNED NOT NULL DEFAULT 1,
    lease_owner BINARY(16) NULL,
    lease_until DATETIME(3) NULL,
    refresh_error VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    refresh_retry_at DATETIME(3) NULL,
    connected_at DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    status_since DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    created_at DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    PRIMARY KEY (id),
    UNIQUE KEY uq_connections_account (tenant_id, owner_id, provider, account_id),
    UNIQUE KEY uq_connections_owner (tenant_id, owner_id, id),
    KEY ix_connections_account (provider, account_id),
    CONSTRAINT fk_connections_owner FOREIGN KEY (tenant_id, owner_id) REFERENCES owners (tenant_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
