-- One consent under way. The state itself is known to the browser and the provider alone; here is its
-- SHA-256. used_at is set once, before the code is exchanged; outcome is what a reload of
-- the callback shows again. A flow that was handed on (no cookie of ours) and one that came back with another
-- account keep the sealed grant until the person has confirmed it. return_to is sealed, too: it may
-- be a connect link, which is a credential.

CREATE TABLE IF NOT EXISTS oauth_states (
    state_hash BINARY(32) NOT NULL,
    id BINARY(16) NOT NULL,
    tenant_id BINARY(16) NOT NULL,
    owner_id BINARY(16) NOT NULL,
    provider VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    browser_hash BINARY(32) NULL,
    handed_on BOOLEAN NOT NULL DEFAULT FALSE,
    return_to VARBINARY(545) NOT NULL,
    expected_account VARCHAR(255) NULL,
    created_at DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    expires_at DATETIME(3) NOT NULL,
    used_at DATETIME(3) NULL,
    code_hash BINARY(32) NULL,
    outcome VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    pending_access VARBINARY(8225) NULL,
    pending_refresh VARBINARY(8225) NULL,
    pending_expires_at DATETIME(3) NULL,
    pending_scopes VARCHAR(2048) NULL,
    pending_account_id VARCHAR(255) NULL,
    pending_account_email VARCHAR(254) NULL,
    PRIMARY KEY (state_hash),
    UNIQUE KEY uq_oauth_states_id (id),
    KEY ix_oauth_states_owner (tenant_id, owner_id, created_at),
    KEY ix_oauth_states_expires (expires_at),
    CONSTRAINT fk_oauth_states_owner FOREIGN KEY (tenant_id, owner_id) REFERENCES owners (tenant_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
