-- Browser sessions. A sign-in link is a session that nobody has opened yet: link_hash is set and
-- session_hash is not. Only SHA-256 of what the browser holds is kept.

CREATE TABLE IF NOT EXISTS sessions (
    id BINARY(16) NOT NULL,
    tenant_id BINARY(16) NOT NULL,
    owner_id BINARY(16) NOT NULL,
    role ENUM('coach', 'admin') CHARACTER SET ascii NOT NULL,
    link_hash BINARY(32) NULL,
    link_expires_at DATETIME(3) NULL,
    session_hash BINARY(32) NULL,
    created_at DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    opened_at DATETIME(3) NULL,
    seen_at DATETIME(3) NULL,
    expires_at DATETIME(3) NULL,
    PRIMARY KEY (id),
    UNIQUE KEY uq_sessions_link (link_hash),
    UNIQUE KEY uq_sessions_session (session_hash),
    KEY ix_sessions_owner (tenant_id, owner_id),
    CONSTRAINT fk_sessions_owner FOREIGN KEY (tenant_id, owner_id) REFERENCES owners (tenant_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
