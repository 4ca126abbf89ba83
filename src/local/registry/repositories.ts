// Finds and creates repositories, by the names that clients give them.

import { ancestry, newChildId } from '../../api/uidp.ts';
import { findOrganizationNamed, foldersNamed, groupName, groupPathsIn } from '../iam/group-names.ts';
import type { Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';

export interface Organization {
  readonly id: string;
  readonly name: string;
}

export interface Repository {
  /** UIDP. */
  readonly id: string;
  readonly organization: Organization;
  /** Its own, without the organization and folders it lies in. */
  readonly name: string;
  /** As clients name it: organization, folders, name. */
  readonly path: string;
  readonly public: boolean;
}

/** Names of unverified organizations are not unique: a verified one comes first, then the oldest. */
export function findOrganization(tx: Tx, name: string): Organization | undefined {
  return tx.recall(organizations, name, () => readOrganization(tx, name));
}

// Every pull asks for these.
const organizations: Memory<Organization | undefined> = { tables: ['groups'], most: 1_000 };

const repositories: Memory<Repository | undefined> = { tables: ['groups', 'repos'], most: 1_000 };

function readOrganization(tx: Tx, name: string): Organization | undefined {
  const row = findOrganizationNamed(tx, name);
  return row === undefined ? undefined : { id: String(row['id']), name: String(row['name']) };
}

/** The repository of that name directly in the organization or folder. */
export function findRepository(tx: Tx, organization: Organization, name: string): Repository | undefined {
  return findIn(tx, organization, { id: organization.id, path: organization.name }, name);
}

/**
 * Returns where a client's name leads. No public source says how repositories in folders are named for pulls; here
 * their path is the folders' names and their own, and a repository directly in the organization wins where both are
 * meant.
 */
export function findRepositoryAt(tx: Tx, organization: Organization, path: string): Repository | undefined {
  return tx.recall(repositories, `${organization.id} ${path}`, () =>
    descend(tx, organization, { id: organization.id, path: organization.name }, path),
  );
}

function descend(tx: Tx, organization: Organization, place: ParentPlace, path: string): Repository | undefined {
  const found = findIn(tx, organization, place, path);
  const slash = path.indexOf('/');
  if (found !== undefined || slash < 0) return found;
  const name = path.slice(0, slash);
  for (const id of foldersNamed(tx, place.id, name)) {
    const folder = { id, path: `${place.path}/${name}` };
    const inside = descend(tx, organization, folder, path.slice(slash + 1));
    if (inside !== undefined) return inside;
  }
  return undefined;
}

interface ParentPlace {
  readonly id: string;
  readonly path: string;
}

function findIn(tx: Tx, organization: Organization, place: ParentPlace, name: string): Repository | undefined {
  const row = tx.get('SELECT id, public FROM repos WHERE parent = ? AND name = ?', place.id, name);
  if (row === undefined) return undefined;
  return { id: String(row['id']), organization, name, path: `${place.path}/${name}`, public: row['public'] === 1 };
}

export function findRepositoryById(tx: Tx, id: string): Repository | undefined {
  const row = tx.get('SELECT parent, name, public FROM repos WHERE id = ?', id);
  if (row === undefined) return undefined;
  // From the organization down to where it lies.
  const groups = ancestry(String(row['parent']))
    .reverse()
    .map((place) => ({ id: place, name: groupName(tx, place) }))
    .filter((group) => group.name !== undefined);
  const [root] = groups;
  if (root === undefined) return undefined;
  const name = String(row['name']);
  const organization = { id: root.id, name: String(root.name) };
  const path = [...groups.map((group) => String(group.name)), name].join('/');
  return { id, organization, name, path, public: row['public'] === 1 };
}

export interface Page<T> {
  readonly items: readonly T[];
  /** True when more items follow. */
  readonly more: boolean;
}

export interface NewRepository {
  readonly public?: boolean;
  /** Wire JSON of what the API shows besides id and name. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch; now when left out. */
  readonly createdAt?: number;
}

export function createRepository(
  tx: Tx,
  organization: Organization,
  name: string,
  options: NewRepository = {},
): Repository {
  const id = newChildId(organization.id, (count) => tx.randomBytes(count));
  const createdAt = options.createdAt ?? tx.now;
  tx.run(
    'INSERT INTO repos (id, parent, name, public, attributes, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    id,
    organization.id,
    name,
    options.public === true ? 1 : 0,
    JSON.stringify(options.attributes ?? {}),
    createdAt,
    createdAt,
  );
  return { id, organization, name, path: `${organization.name}/${name}`, public: options.public === true };
}

/** Path names of the repositories in these organizations and their folders, after `last` in ASCII order. */
export function listRepositoryNames(
  tx: Tx,
  organizations: readonly string[],
  last: string,
  limit: number,
): Page<string> {
  // Names of groups may hold what no client can write.
  const paths = groupPathsIn(tx, organizations).filter(([, path]) => /^[a-z0-9._/-]*$/.test(path));
  const rows = tx.all(
    `SELECT p.value || '/' || r.name AS name FROM json_each(?) p JOIN repos r ON r.parent = p.key
     WHERE p.value || '/' || r.name > ? ORDER BY 1 LIMIT ?`,
    JSON.stringify(Object.fromEntries(paths)),
    last,
    limit + 1,
  );
  return { items: rows.slice(0, limit).map((row) => String(row['name'])), more: rows.length > limit };
}
