// Every table of the local platform. Promises: migrations are only ever appended, so an older data folder opens.
// Ids are UIDPs (semantics 1), times are milliseconds since the epoch, JSON columns hold lowerCamel wire JSON.

import type { Migration } from './database.ts';

export const migrations: readonly Migration[] = [
  {
    name: '001-platform',
    sql: `
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

      CREATE TABLE groups (
        id TEXT PRIMARY KEY,
        parent TEXT REFERENCES groups(id),
        name TEXT NOT NULL,
        description TEXT NOT NULL DEFAULT '',
        verified INTEGER NOT NULL DEFAULT 0,
        kind TEXT NOT NULL DEFAULT 'ORG_KIND_UNSPECIFIED',
        status TEXT NOT NULL DEFAULT 'ORG_STATUS_UNSPECIFIED',
        resource_limits TEXT NOT NULL DEFAULT '{}',
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX groups_parent ON groups(parent);
      CREATE INDEX groups_name ON groups(name);

      CREATE TABLE roles (
        id TEXT PRIMARY KEY,
        parent TEXT REFERENCES groups(id),
        name TEXT NOT NULL,
        description TEXT NOT NULL DEFAULT '',
        capabilities TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX roles_parent ON roles(parent);

      -- Users are rows without a parent; assumable identities live below a group.
      CREATE TABLE identities (
        id TEXT PRIMARY KEY,
        parent TEXT REFERENCES groups(id),
        name TEXT NOT NULL DEFAULT '',
        description TEXT NOT NULL DEFAULT '',
        kind TEXT NOT NULL,
        relationship TEXT NOT NULL,
        issuer TEXT,
        subject TEXT,
        email TEXT,
        email_verified INTEGER NOT NULL DEFAULT 0,
        expires_at INTEGER,
        last_seen INTEGER,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX identities_parent ON identities(parent);
      CREATE INDEX identities_login ON identities(issuer, subject);

      CREATE TABLE role_bindings (
        id TEXT PRIMARY KEY,
        group_id TEXT NOT NULL REFERENCES groups(id),
        identity TEXT NOT NULL REFERENCES identities(id) ON DELETE CASCADE,
        role TEXT NOT NULL REFERENCES roles(id),
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX role_bindings_identity ON role_bindings(identity);
      CREATE INDEX role_bindings_group ON role_bindings(group_id);
      CREATE INDEX role_bindings_role ON role_bindings(role);

      -- Private keys of our issuer ('platform') and of the simulated third-party issuers (their URL).
      CREATE TABLE signing_keys (
        issuer TEXT NOT NULL,
        kid TEXT NOT NULL,
        private_jwk TEXT NOT NULL,
        public_jwk TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        retired_at INTEGER,
        PRIMARY KEY (issuer, kid)
      ) STRICT;

      -- One row per refresh token ever handed out and not yet forgotten; only digests are stored.
      CREATE TABLE refresh_tokens (
        digest TEXT PRIMARY KEY,
        family TEXT NOT NULL,
        identity TEXT NOT NULL REFERENCES identities(id) ON DELETE CASCADE,
        audience TEXT NOT NULL,
        upstream TEXT NOT NULL,
        issued_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        used_at INTEGER
      ) STRICT;
      CREATE INDEX refresh_tokens_family ON refresh_tokens(family);
      CREATE TABLE revoked_families (family TEXT PRIMARY KEY, revoked_at INTEGER NOT NULL) STRICT;

      -- Events in commit order; a dispatcher delivers them after the commit.
      CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        source TEXT NOT NULL,
        subject TEXT NOT NULL,
        group_id TEXT NOT NULL,
        extensions TEXT NOT NULL,
        body TEXT NOT NULL,
        actor TEXT NOT NULL,
        audience TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT;
    `,
  },
  {
    name: '002-registry',
    sql: `
      CREATE TABLE repos (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL REFERENCES groups(id),
        name TEXT NOT NULL,
        public INTEGER NOT NULL DEFAULT 0,
        attributes TEXT NOT NULL DEFAULT '{}',
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        UNIQUE (parent, name)
      ) STRICT;

      -- Bytes live in files named by digest; a row says that the file is whole. Written after the file, before any use.
      CREATE TABLE blobs (
        digest TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE repo_blobs (
        repo TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
        digest TEXT NOT NULL REFERENCES blobs(digest),
        created_at INTEGER NOT NULL,
        PRIMARY KEY (repo, digest)
      ) STRICT;

      -- A manifest's bytes are kept here, exactly as pushed.
      CREATE TABLE manifests (
        repo TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        media_type TEXT NOT NULL,
        artifact_type TEXT,
        subject TEXT,
        annotations TEXT NOT NULL DEFAULT '{}',
        content BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (repo, digest)
      ) STRICT;
      CREATE INDEX manifests_subject ON manifests(repo, subject);

      CREATE TABLE tags (
        id TEXT PRIMARY KEY,
        repo TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        updated_at INTEGER NOT NULL,
        UNIQUE (repo, name)
      ) STRICT;

      CREATE TABLE tag_history (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        repo TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX tag_history_tag ON tag_history(repo, name);

      CREATE TABLE uploads (
        id TEXT PRIMARY KEY,
        repo TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
        started_at INTEGER NOT NULL,
        touched_at INTEGER NOT NULL
      ) STRICT;
    `,
  },
  {
    name: '003-names-in-place',
    sql: `
      -- A name is looked for among its siblings before each create; an organization may hold very many identities.
      CREATE INDEX identities_place ON identities(parent, name);
    `,
  },
];
