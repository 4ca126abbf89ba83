// The schema that the first release founds every data folder on. Guarantees: it is frozen, so a folder of any release opens;
// what a module adds or changes later is in its own `migrations`.
// Ids are UIDPs (semantics 1), times are milliseconds since the epoch, JSON columns hold lowerCamel wire JSON.

import type { Migration } from '../database.ts';
import { foundingEvents } from './events.ts';
import { foundingRegistry } from './registry.ts';

export const founding: readonly Migration[] = [
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
  {
    name: '004-iam',
    sql: `
      -- A code is never stored: key_id finds the row, digest is of the secret in the code. A deleted role leaves the invite.
      CREATE TABLE group_invites (
        id TEXT PRIMARY KEY,
        group_id TEXT NOT NULL REFERENCES groups(id) ON DELETE CASCADE,
        role TEXT REFERENCES roles(id) ON DELETE SET NULL,
        key_id TEXT NOT NULL UNIQUE,
        digest TEXT NOT NULL,
        email TEXT NOT NULL DEFAULT '',
        single_use INTEGER NOT NULL DEFAULT 0,
        expires_at INTEGER NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX group_invites_group ON group_invites(group_id);
      CREATE INDEX group_invites_role ON group_invites(role);

      -- The client secret is what the platform shows to the provider, so it is kept as it is. Of SCIM tokens only digests.
      CREATE TABLE identity_providers (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL REFERENCES groups(id),
        name TEXT NOT NULL,
        description TEXT NOT NULL DEFAULT '',
        default_role TEXT REFERENCES roles(id),
        issuer TEXT NOT NULL,
        client_id TEXT NOT NULL,
        client_secret TEXT NOT NULL DEFAULT '',
        additional_scopes TEXT NOT NULL DEFAULT '[]',
        groups_claim TEXT NOT NULL DEFAULT '',
        correlation_rule TEXT NOT NULL,
        pkce_enabled INTEGER NOT NULL DEFAULT 0,
        scim_enabled INTEGER NOT NULL DEFAULT 0,
        -- 0 until the first token; then one more with each change of token or switch.
        scim_version INTEGER NOT NULL DEFAULT 0,
        scim_digest TEXT,
        scim_expires_at INTEGER,
        scim_revoked_at INTEGER,
        scim_previous_digest TEXT,
        scim_previous_expires_at INTEGER,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX identity_providers_parent ON identity_providers(parent, name);
      CREATE INDEX identity_providers_role ON identity_providers(default_role);

      CREATE TABLE external_group_role_mappings (
        id TEXT PRIMARY KEY,
        identity_provider TEXT NOT NULL REFERENCES identity_providers(id) ON DELETE CASCADE,
        external_group_id TEXT NOT NULL,
        role TEXT NOT NULL REFERENCES roles(id),
        scope TEXT NOT NULL REFERENCES groups(id),
        created_at INTEGER NOT NULL,
        UNIQUE (identity_provider, external_group_id, role, scope)
      ) STRICT;
      CREATE INDEX external_group_role_mappings_role ON external_group_role_mappings(role);
      CREATE INDEX external_group_role_mappings_scope ON external_group_role_mappings(scope);

      -- Who has signed in through a provider: its id in the directory there, and the groups that the last token named.
      CREATE TABLE identity_provider_logins (
        identity TEXT NOT NULL REFERENCES identities(id) ON DELETE CASCADE,
        identity_provider TEXT NOT NULL REFERENCES identity_providers(id) ON DELETE CASCADE,
        external_id TEXT,
        external_groups TEXT NOT NULL DEFAULT '[]',
        groups_expire_at INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (identity, identity_provider)
      ) STRICT;
      CREATE INDEX identity_provider_logins_provider ON identity_provider_logins(identity_provider, external_id);

      -- What a provider told over SCIM. A user has an identity from its first login on.
      CREATE TABLE scim_users (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        identity_provider TEXT NOT NULL REFERENCES identity_providers(id) ON DELETE CASCADE,
        identity TEXT REFERENCES identities(id) ON DELETE SET NULL,
        external_id TEXT,
        user_name TEXT NOT NULL COLLATE NOCASE,
        active INTEGER NOT NULL,
        resource TEXT NOT NULL,
        version INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        UNIQUE (identity_provider, user_name),
        UNIQUE (identity_provider, external_id)
      ) STRICT;
      CREATE INDEX scim_users_identity ON scim_users(identity);
      CREATE TABLE scim_groups (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        identity_provider TEXT NOT NULL REFERENCES identity_providers(id) ON DELETE CASCADE,
        external_id TEXT,
        display_name TEXT NOT NULL COLLATE NOCASE,
        version INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        UNIQUE (identity_provider, display_name),
        UNIQUE (identity_provider, external_id)
      ) STRICT;
      CREATE TABLE scim_group_members (
        scim_group TEXT NOT NULL REFERENCES scim_groups(id) ON DELETE CASCADE,
        scim_user TEXT NOT NULL REFERENCES scim_users(id) ON DELETE CASCADE,
        PRIMARY KEY (scim_group, scim_user)
      ) STRICT;
      CREATE INDEX scim_group_members_user ON scim_group_members(scim_user);

      CREATE TABLE account_associations (
        group_id TEXT PRIMARY KEY REFERENCES groups(id) ON DELETE CASCADE,
        name TEXT NOT NULL DEFAULT '',
        body TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
      -- Which identities the bodies above name, so that none of them disappears.
      CREATE TABLE service_bindings (
        group_id TEXT NOT NULL REFERENCES account_associations(group_id) ON DELETE CASCADE,
        principal TEXT NOT NULL,
        identity TEXT NOT NULL REFERENCES identities(id),
        PRIMARY KEY (group_id, principal)
      ) STRICT;
      CREATE INDEX service_bindings_identity ON service_bindings(identity);

      CREATE TABLE terms_acceptances (
        group_id TEXT NOT NULL REFERENCES groups(id) ON DELETE CASCADE,
        document TEXT NOT NULL,
        -- Whoever it was stays named after its account is gone.
        accepted_by TEXT NOT NULL,
        accepted_at INTEGER NOT NULL,
        PRIMARY KEY (group_id, document)
      ) STRICT;

      CREATE TABLE access_requests (
        identity TEXT NOT NULL REFERENCES identities(id) ON DELETE CASCADE,
        group_id TEXT NOT NULL REFERENCES groups(id) ON DELETE CASCADE,
        requested_at INTEGER NOT NULL,
        PRIMARY KEY (identity, group_id)
      ) STRICT;
      CREATE INDEX access_requests_group ON access_requests(group_id);

      CREATE TABLE identity_metadata (
        identity TEXT PRIMARY KEY REFERENCES identities(id) ON DELETE CASCADE,
        body TEXT NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
    `,
  },
  ...foundingRegistry,
  ...foundingEvents,
  {
    name: '014-identities',
    sql: `
      -- What only v2 can say of an identity.
      ALTER TABLE identities ADD COLUMN company TEXT NOT NULL DEFAULT '';
      -- Whoever signs up again has the same id: what was given out for it before is worth nothing.
      CREATE TABLE deleted_users (id TEXT PRIMARY KEY, deleted_at INTEGER NOT NULL) STRICT;
    `,
  },
  {
    name: '015-home-of-accounts',
    sql: `
      -- The organization whose provider made the account; null for one that was made at the platform itself.
      ALTER TABLE identities ADD COLUMN home TEXT REFERENCES groups(id) ON DELETE SET NULL;
      CREATE INDEX identities_home ON identities(home);
      UPDATE identities SET home = (
        SELECT substr(l.identity_provider, 1, 40) FROM identity_provider_logins l
        WHERE l.identity = identities.id AND l.created_at = identities.created_at LIMIT 1)
      WHERE parent IS NULL;
    `,
  },
];
