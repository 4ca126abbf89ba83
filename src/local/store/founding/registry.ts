import type { Migration } from '../database.ts';

/** Tables of the registry beyond `002-registry`. Frozen. */
export const foundingRegistry: readonly Migration[] = [
  {
    name: '010-registry-api',
    sql: `
      -- Wire JSON of what the API shows of a tag besides name and digest.
      ALTER TABLE tags ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';
      CREATE INDEX tags_digest ON tags(digest);
      CREATE INDEX manifests_digest ON manifests(digest);
      CREATE INDEX repos_source ON repos(json_extract(attributes, '$.sync_config.source'));
      CREATE INDEX repos_public ON repos(public) WHERE public = 1;
      CREATE INDEX repo_blobs_digest ON repo_blobs(digest);

      -- What each manifest needs, so that nothing it needs is collected as garbage.
      CREATE TABLE manifest_blobs (
        repo TEXT NOT NULL,
        manifest TEXT NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (repo, manifest, digest),
        FOREIGN KEY (repo, manifest) REFERENCES manifests(repo, digest) ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX manifest_blobs_digest ON manifest_blobs(repo, digest);
      -- Only an image manifest has a config and layers, and pushing checked that they are there.
      INSERT OR IGNORE INTO manifest_blobs (repo, manifest, digest)
        SELECT m.repo, m.digest, b.digest FROM manifests m
          JOIN (SELECT digest AS manifest, repo, json_extract(CAST(content AS TEXT), '$.config.digest') AS digest FROM manifests
                UNION ALL
                SELECT n.digest, n.repo, json_extract(layer.value, '$.digest')
                  FROM manifests n, json_each(CAST(n.content AS TEXT), '$.layers') layer) b
            ON b.manifest = m.digest AND b.repo = m.repo
          WHERE b.digest IS NOT NULL;

      CREATE TABLE entitlements (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL REFERENCES groups(id) ON DELETE CASCADE,
        -- Wire JSON of type, tiers, externalId, and the largest number of images by tier.
        attributes TEXT NOT NULL DEFAULT '{}',
        expires_at INTEGER,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX entitlements_parent ON entitlements(parent);
      CREATE TABLE entitlement_images (
        entitlement TEXT NOT NULL REFERENCES entitlements(id) ON DELETE CASCADE,
        -- A repository of the public catalog.
        repo TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
        added_at INTEGER NOT NULL,
        PRIMARY KEY (entitlement, repo)
      ) STRICT;
      CREATE INDEX entitlement_images_repo ON entitlement_images(repo);
      -- Removals of the last thirty days count against the quota of swaps.
      CREATE TABLE entitlement_removals (
        entitlement TEXT NOT NULL REFERENCES entitlements(id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        removed_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX entitlement_removals_time ON entitlement_removals(entitlement, removed_at);

      -- A build of a customized image: waiting and running ones have no result yet.
      CREATE TABLE builds (
        id TEXT PRIMARY KEY,
        repo TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
        -- Digest of the index or manifest it starts from, and the tags that will name the result.
        base TEXT NOT NULL,
        tags TEXT NOT NULL,
        overlay TEXT NOT NULL,
        config TEXT NOT NULL DEFAULT '',
        locked_config TEXT NOT NULL DEFAULT '',
        result TEXT NOT NULL DEFAULT 'Unknown',
        warnings TEXT NOT NULL DEFAULT '[]',
        log TEXT NOT NULL DEFAULT '',
        digest TEXT NOT NULL DEFAULT '',
        queued_at INTEGER NOT NULL,
        started_at INTEGER,
        completed_at INTEGER
      ) STRICT;
      CREATE INDEX builds_repo ON builds(repo, started_at);
      CREATE INDEX builds_waiting ON builds(queued_at) WHERE completed_at IS NULL;

      -- Version streams of the packages that images are about (GetPackageVersionMetadata): wire JSON.
      CREATE TABLE package_versions (package TEXT PRIMARY KEY, metadata TEXT NOT NULL) STRICT;

      -- Security data, wire JSON of advisory.v1: one document per origin package, one record per vulnerability.
      CREATE TABLE advisory_documents (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
      CREATE TABLE vulnerability_metadata (
        id TEXT PRIMARY KEY,
        -- LOW, MEDIUM, HIGH, CRITICAL; UNKNOWN when nobody has rated it.
        severity TEXT NOT NULL DEFAULT 'UNKNOWN',
        metadata TEXT NOT NULL
      ) STRICT;
    `,
  },
  {
    name: '012-deployments-and-advisories',
    sql: `
      -- Charts that a repository's image is deployed with: wire JSON, a list of HelmChart.
      CREATE TABLE deployments (
        repo TEXT PRIMARY KEY REFERENCES repos(id) ON DELETE CASCADE,
        charts TEXT NOT NULL
      ) STRICT;

      -- Advisories somebody wrote, apart from the published documents. Wire JSON without id, times and events.
      CREATE TABLE advisories (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL REFERENCES groups(id) ON DELETE CASCADE,
        advisory TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX advisories_parent ON advisories(parent);
      -- Wire JSON without id.
      CREATE TABLE advisory_events (
        id TEXT PRIMARY KEY,
        advisory TEXT NOT NULL REFERENCES advisories(id) ON DELETE CASCADE,
        event TEXT NOT NULL
      ) STRICT;
      CREATE INDEX advisory_events_advisory ON advisory_events(advisory);
    `,
  },
  {
    name: '013-registry-settings',
    sql: `
      -- Defaults for the repositories of an organization.
      CREATE TABLE registry_settings (
        registry TEXT PRIMARY KEY REFERENCES groups(id) ON DELETE CASCADE,
        unique_tags INTEGER NOT NULL,
        eol_grace_period INTEGER NOT NULL
      ) STRICT;
    `,
  },
];
