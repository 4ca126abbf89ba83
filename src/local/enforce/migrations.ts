import type { Migration } from '../store/database.ts';

/** Tables of clusters, their policies and what agents report of them. Appended to, never changed. */
export const enforceMigrations: readonly Migration[] = [
  {
    name: 'enforce-01-clusters',
    sql: `
      CREATE TABLE enforce_policies (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL REFERENCES groups(id),
        name TEXT NOT NULL,
        description TEXT NOT NULL DEFAULT '',
        -- Id of the version that counts.
        enforced TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        UNIQUE (parent, name)
      ) STRICT;

      CREATE TABLE enforce_policy_versions (
        id TEXT PRIMARY KEY,
        policy TEXT NOT NULL REFERENCES enforce_policies(id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        document TEXT NOT NULL,
        author TEXT NOT NULL,
        author_email TEXT NOT NULL DEFAULT '',
        created_at INTEGER NOT NULL,
        UNIQUE (policy, number)
      ) STRICT;

      CREATE TABLE enforce_clusters (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL REFERENCES groups(id),
        name TEXT NOT NULL DEFAULT '',
        description TEXT NOT NULL DEFAULT '',
        -- What Kubernetes calls it: the uid of a namespace.
        remote_id TEXT NOT NULL,
        issuer TEXT NOT NULL DEFAULT '',
        -- Who reports for it; null for one that nobody reports for.
        identity TEXT REFERENCES identities(id) ON DELETE SET NULL,
        -- What the agent last said of itself, and what was chosen for it: the rest of the message.
        facts TEXT NOT NULL DEFAULT '{}',
        registered_at INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        -- Number of the last report and the run of the agent that counts it.
        report_run TEXT NOT NULL DEFAULT '',
        report_number INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE INDEX enforce_clusters_parent ON enforce_clusters(parent);
      CREATE INDEX enforce_clusters_remote ON enforce_clusters(remote_id);
      CREATE INDEX enforce_clusters_identity ON enforce_clusters(identity);

      -- What is in a cluster and what was found out about it, by kind: namespace, node, workload, record, context, result,
      -- signature, sbom, vulnreport. The id is made of the parent's and of the key, so that a report may come twice.
      CREATE TABLE enforce_objects (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL,
        cluster TEXT NOT NULL REFERENCES enforce_clusters(id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        -- What the agent calls it: the uid that Kubernetes gave, a digest, a policy's id.
        key TEXT NOT NULL,
        name TEXT NOT NULL DEFAULT '',
        body TEXT NOT NULL,
        last_seen INTEGER NOT NULL,
        -- The agent's run that told it last: what a whole new run did not tell is gone.
        run TEXT NOT NULL
      ) STRICT;
      CREATE INDEX enforce_objects_kind ON enforce_objects(kind, id);
      CREATE INDEX enforce_objects_parent ON enforce_objects(parent);
      CREATE INDEX enforce_objects_cluster ON enforce_objects(cluster, kind, key);
    `,
  },
];
