-- The tables of version 1 as version 1 made them, with something in most of them.
CREATE TABLE schema_version (
    version INTEGER NOT NULL,
    PRIMARY KEY (version)
);
CREATE TABLE groups (
    id VARCHAR(20) NOT NULL,
    name VARCHAR(128) NOT NULL,
    parent_id VARCHAR(20),
    date_created DATETIME NOT NULL,
    date_updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(parent_id) REFERENCES groups (id)
);
CREATE INDEX ix_groups_parent_id ON groups (parent_id);
CREATE TABLE clients (
    id VARCHAR(64) NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    active BOOLEAN NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE accounts (
    id VARCHAR(64) NOT NULL,
    group_id VARCHAR(20) NOT NULL,
    name VARCHAR(128) NOT NULL,
    status VARCHAR(16) NOT NULL,
    dubber_address VARCHAR(128) NOT NULL,
    time_zone VARCHAR(64) NOT NULL,
    address VARCHAR(255) NOT NULL,
    phone VARCHAR(50) NOT NULL,
    details JSON NOT NULL,
    date_created DATETIME NOT NULL,
    date_updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(group_id) REFERENCES groups (id)
);
CREATE INDEX ix_accounts_group_id ON accounts (group_id);
CREATE TABLE users (
    id VARCHAR(128) NOT NULL,
    account_id VARCHAR(64),
    group_id VARCHAR(20),
    username VARCHAR(254) NOT NULL,
    first_name VARCHAR(128) NOT NULL,
    last_name VARCHAR(128) NOT NULL,
    role VARCHAR(20) NOT NULL,
    confirmed BOOLEAN NOT NULL,
    mobile_number VARCHAR(50) NOT NULL,
    language VARCHAR(5) NOT NULL,
    password_hash VARCHAR(255),
    date_created DATETIME NOT NULL,
    date_updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(account_id) REFERENCES accounts (id),
    FOREIGN KEY(group_id) REFERENCES groups (id),
    UNIQUE (username)
);
CREATE INDEX ix_users_account_id ON users (account_id);
CREATE TABLE notifications (
    id VARCHAR(20) NOT NULL,
    account_id VARCHAR(64),
    group_id VARCHAR(20),
    post_url VARCHAR(2000) NOT NULL,
    event_type VARCHAR(32) NOT NULL,
    include_data BOOLEAN NOT NULL,
    status VARCHAR(16) NOT NULL,
    error VARCHAR(255),
    secret VARCHAR(64) NOT NULL,
    date_created DATETIME NOT NULL,
    date_updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(account_id) REFERENCES accounts (id),
    FOREIGN KEY(group_id) REFERENCES groups (id)
);
CREATE INDEX ix_notifications_group_id ON notifications (group_id);
CREATE INDEX ix_notifications_account_id ON notifications (account_id);
CREATE TABLE tokens (
    access_hash VARCHAR(64) NOT NULL,
    refresh_hash VARCHAR(64),
    client_id VARCHAR(64) NOT NULL,
    user_id VARCHAR(128) NOT NULL,
    access_expires_at DATETIME NOT NULL,
    refresh_expires_at DATETIME NOT NULL,
    PRIMARY KEY (access_hash),
    UNIQUE (refresh_hash),
    FOREIGN KEY(client_id) REFERENCES clients (id),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX ix_tokens_user_id ON tokens (user_id);
CREATE INDEX ix_tokens_refresh_expires_at ON tokens (refresh_expires_at);
CREATE TABLE dub_points (
    id VARCHAR(20) NOT NULL,
    group_id VARCHAR(20) NOT NULL,
    account_id VARCHAR(64),
    user_id VARCHAR(128),
    external_type VARCHAR(20),
    service_provider VARCHAR(80),
    external_group VARCHAR(80),
    external_identifier VARCHAR(161),
    type VARCHAR(10) NOT NULL,
    label VARCHAR(128) NOT NULL,
    product VARCHAR(20) NOT NULL,
    number VARCHAR(50) NOT NULL,
    playback BOOLEAN NOT NULL,
    ai BOOLEAN NOT NULL,
    status VARCHAR(16) NOT NULL,
    date_created DATETIME NOT NULL,
    date_updated DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (external_type, service_provider, external_group, external_identifier),
    FOREIGN KEY(group_id) REFERENCES groups (id),
    FOREIGN KEY(account_id) REFERENCES accounts (id),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX ix_dub_points_account_id ON dub_points (account_id);
CREATE INDEX dub_points_by_group ON dub_points (group_id, account_id, id);
CREATE INDEX ix_dub_points_user_id ON dub_points (user_id);
CREATE TABLE deliveries (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    notification_id VARCHAR(20) NOT NULL,
    recording_id INTEGER NOT NULL,
    event_type VARCHAR(32) NOT NULL,
    created_at DATETIME NOT NULL,
    due_at DATETIME NOT NULL,
    attempts INTEGER NOT NULL,
    unclaimed BOOLEAN NOT NULL,
    FOREIGN KEY(notification_id) REFERENCES notifications (id) ON DELETE CASCADE
);
CREATE INDEX deliveries_due ON deliveries (unclaimed, due_at);
CREATE INDEX ix_deliveries_notification_id ON deliveries (notification_id);
CREATE TABLE recordings (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    group_id VARCHAR(20) NOT NULL,
    account_id VARCHAR(64),
    user_id VARCHAR(128),
    dub_point_id VARCHAR(20),
    "to" VARCHAR(50) NOT NULL,
    to_label VARCHAR(128) NOT NULL,
    "from" VARCHAR(50) NOT NULL,
    from_label VARCHAR(128) NOT NULL,
    call_type VARCHAR(16) NOT NULL,
    recording_type VARCHAR(16) NOT NULL,
    channel VARCHAR(128) NOT NULL,
    status VARCHAR(16) NOT NULL,
    start_time DATETIME NOT NULL,
    end_time DATETIME,
    duration INTEGER,
    expiry_time DATETIME NOT NULL,
    transfers JSON NOT NULL,
    additional_parties JSON NOT NULL,
    meta_tags JSON NOT NULL,
    details JSON NOT NULL,
    search_text TEXT NOT NULL,
    starred BOOLEAN NOT NULL,
    media_type VARCHAR(32),
    size INTEGER,
    sha256 VARCHAR(64),
    parts_digest VARCHAR(64),
    upload_expires_at DATETIME,
    date_created DATETIME NOT NULL,
    date_updated DATETIME NOT NULL,
    FOREIGN KEY(group_id) REFERENCES groups (id),
    FOREIGN KEY(account_id) REFERENCES accounts (id),
    FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE SET NULL,
    FOREIGN KEY(dub_point_id) REFERENCES dub_points (id) ON DELETE SET NULL
);
CREATE INDEX recordings_by_dub_point ON recordings (dub_point_id, id);
CREATE INDEX recordings_by_account ON recordings (account_id, status, id);
CREATE INDEX recordings_by_user ON recordings (user_id, status, id);
CREATE INDEX recordings_retention ON recordings (expiry_time);
CREATE INDEX recordings_by_account_start ON recordings (account_id, start_time);
CREATE INDEX recordings_by_group ON recordings (group_id, account_id, status, id);
CREATE INDEX recordings_unfinished ON recordings (status, upload_expires_at);
CREATE TABLE recording_tags (
    recording_id INTEGER NOT NULL,
    tag VARCHAR(25) NOT NULL,
    PRIMARY KEY (recording_id, tag),
    FOREIGN KEY(recording_id) REFERENCES recordings (id) ON DELETE CASCADE
);
CREATE INDEX recording_tags_by_tag ON recording_tags (tag, recording_id);
CREATE TABLE parts (
    recording_id INTEGER NOT NULL,
    part_number INTEGER NOT NULL,
    md5 VARCHAR(32) NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (recording_id, part_number),
    FOREIGN KEY(recording_id) REFERENCES recordings (id) ON DELETE CASCADE
);
INSERT INTO schema_version VALUES (1);
INSERT INTO groups (id, name, date_created, date_updated)
VALUES ('g', 'Group', '2026-03-01 08:00:00.000000', '2026-03-01 08:00:00.000000');
INSERT INTO accounts (id, group_id, name, status, dubber_address, time_zone, address, phone, details, date_created, date_updated)
VALUES ('acme', 'g', 'Acme', 'Active', '', 'UTC', '', '', '{}', '2026-03-01 08:00:00.000000', '2026-03-01 08:00:00.000000');
INSERT INTO users (id, account_id, group_id, username, first_name, last_name, role, confirmed, mobile_number, language,
    password_hash, date_created, date_updated)
VALUES ('boss', 'acme', 'g', 'boss@acme.example', 'Zoé', 'Martin', 'Administrator', 1, '', 'fr',
    'scrypt$00$00', '2026-03-01 08:00:00.000000', '2026-03-01 08:00:00.000000');
INSERT INTO dub_points (id, group_id, account_id, user_id, external_type, service_provider, external_group,
    external_identifier, type, label, product, number, playback, ai, status, date_created, date_updated)
VALUES ('0000000000000000000a', 'g', 'acme', 'boss', 'BroadWorks', 'SP', 'GR', 'boss@acme', 'Recorder', 'Front desk',
    'reserved', '1001', 1, 0, 'Active', '2026-03-01 08:00:00.000000', '2026-03-01 08:00:00.000000');
INSERT INTO recordings (id, group_id, account_id, user_id, dub_point_id, "to", to_label, "from", from_label, call_type,
    recording_type, channel, status, start_time, end_time, duration, expiry_time, transfers, additional_parties,
    meta_tags, details, search_text, starred, media_type, size, sha256, date_created, date_updated)
VALUES
    (7, 'g', 'acme', 'boss', '0000000000000000000a', '+33612345678', 'Théo Roux', '1001', '', 'outbound', 'recording', '',
    'Active', '2026-03-26 16:51:46.000000', '2026-03-26 16:52:46.000000', 60, '2026-06-24 16:51:46.000000', '[]', '[]',
    '{"external-call-id": "callhalf-7:0"}', '{"order": "4711"}', '1001', 1, 'audio/wav', 1000, 'aa',
    '2026-03-26 16:53:00.000000', '2026-03-26 16:53:00.000000'),
    (8, 'g', NULL, NULL, NULL, '9002', '', '1002', '', 'inbound', 'voicemail', '', 'Uploading',
    '2026-03-27 10:00:00.000000', NULL, NULL, '2026-06-25 10:00:00.000000', '[]', '[]', '{}', '{}', '9002', 0, NULL, NULL,
    NULL, '2026-03-27 10:00:00.000000', '2026-03-27 10:00:00.000000');
INSERT INTO recording_tags VALUES (7, 'vip');
