-- Who there is: client applications (tenants) and the people in them who own calendars.
-- Ids are 16 bytes of our own, time-ordered; times are UTC.

CREATE TABLE IF NOT EXISTS tenants (
    id BINARY(16) NOT NULL,
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    PRIMARY KEY (id),
    UNIQUE KEY uq_tenants_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO tenants (id, name) VALUES (UNHEX('00000000000000000000000000000001'), 'default');

-- default_connection_id is the calendar that events without a connection go to.
CREATE TABLE IF NOT EXISTS owners (
    id BINARY(16) NOT NULL,
    tenant_id BINARY(16) NOT NULL,
    external_id VARCHAR(128) NOT NULL,
    email VARCHAR(254) NULL,
    display_name VARCHAR(255) NULL,
    time_zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    default_connection_id BINARY(16) NULL,
    created_at DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    updated_at DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    PRIMARY KEY (id),
    UNIQUE KEY uq_owners_external_id (tenant_id, external_id),
    UNIQUE KEY uq_owners_tenant (tenant_id, id),
    CONSTRAINT fk_owners_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
