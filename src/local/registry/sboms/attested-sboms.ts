// Finds the bill of materials attested of an image of this registry. Guarantees: found as every client finds it
// (src/attestations/finding.ts), the first that can be read; rows are read in short transactions, documents in none.

import type { Package } from '../../../attestations/documents.ts';
import {
  type AttestationSource,
  type AttestedImage,
  findCandidates,
  type LayerDescriptor,
  whyNotBom,
} from '../../../attestations/finding.ts';
import type { StatementFacts } from '../../../attestations/statement.ts';
import { LateReader, type LateReads } from '../../core/late-reads.ts';
import type { BlobStore } from '../../store/blob-store.ts';
import type { Store, Tx } from '../../store/database.ts';
import { parseDigest } from '../../store/digest.ts';
import { mediaTypes } from '../manifest.ts';
import type { Repository } from '../repositories.ts';
import { findManifest, iterateReferrers } from '../stored-manifests.ts';
import { type SbomReader, UnreadableStatement } from './sbom-reader.ts';

export interface AttestedSbom {
  readonly path: string;
  readonly facts: StatementFacts;
}

/** Bills of materials for one call. */
export interface CallSboms extends LateReads {
  /** Undefined when nothing is attested of the image, and as long as it is not read. */
  of(repository: Repository, digest: string): AttestedSbom | undefined;
  /** Those of its packages that advisories may be about. */
  packagesOf(repository: Repository, digest: string): readonly Package[] | undefined;
  readonly reader: SbomReader;
}

export const callSboms = new LateReader<CallSboms>('this platform has no registry');

export interface AttestedSboms {
  forCall(): CallSboms;
}

/** Bytes. A larger statement is passed over. */
const maxStatementBytes = 1024 * 1024 * 1024;
/** Documents whose facts are remembered; their bytes never change. */
const maxRemembered = 1000;

interface Wanted {
  readonly repository: Repository;
  readonly digest: string;
}

export function createAttestedSboms(store: Store, blobs: BlobStore, reader: SbomReader): AttestedSboms {
  const remembered = new Map<string, StatementFacts | 'unreadable'>();

  const factsOf = async (path: string): Promise<StatementFacts | 'unreadable'> => {
    const known = remembered.get(path);
    if (known !== undefined) return known;
    const facts = await reader.probe(path).catch((error: unknown) => {
      if (error instanceof UnreadableStatement) return 'unreadable' as const;
      throw error;
    });
    if (remembered.size >= maxRemembered) remembered.delete([...remembered.keys()][0] ?? '');
    remembered.set(path, facts);
    return facts;
  };

  const find = async (repository: Repository, image: AttestedImage): Promise<AttestedSbom | undefined> => {
    const { candidates } = await findCandidates(sourceOf(store, repository), image);
    for (const candidate of candidates) {
      const digest = parseDigest(candidate.layer.digest);
      if (digest === undefined || candidate.layer.size > maxStatementBytes) continue;
      const path = blobs.path(digest);
      const facts = await factsOf(path);
      if (facts !== 'unreadable' && whyNotBom(candidate, facts) === undefined) return { path, facts };
    }
    return undefined;
  };

  const ofImage = async ({ repository, digest }: Wanted): Promise<AttestedSbom | undefined> =>
    (await find(repository, { digest })) ??
    // Only an image without its own is looked for in indexes.
    (await findIn(
      store.read((tx) => indexesWith(tx, repository, digest)),
      (index) => find(repository, { digest, index }),
    ));

  const packagesIn = async ({ path, facts }: AttestedSbom): Promise<readonly Package[]> => {
    const names = store.read((tx) => tx.all('SELECT name FROM advised_packages').map(({ name }) => String(name)));
    const pieces: Uint8Array[] = [];
    for await (const piece of reader.pieces({ kind: 'packages', path, facts, names })) pieces.push(piece);
    return JSON.parse(`[${Buffer.concat(pieces)}]`) as Package[];
  };

  return {
    forCall() {
      const found = new Map<string, AttestedSbom | undefined>();
      const packages = new Map<string, readonly Package[] | undefined>();
      const missing = new Map<string, Wanted & { withPackages: boolean }>();
      const note = (repository: Repository, digest: string, withPackages: boolean): undefined => {
        const key = `${repository.id} ${digest}`;
        missing.set(key, { repository, digest, withPackages: withPackages || missing.get(key)?.withPackages === true });
      };
      return {
        reader,
        of: (repository, digest) => {
          const key = `${repository.id} ${digest}`;
          return found.has(key) ? found.get(key) : note(repository, digest, false);
        },
        packagesOf: (repository, digest) => {
          const key = `${repository.id} ${digest}`;
          return packages.has(key) ? packages.get(key) : note(repository, digest, true);
        },
        isWaiting: () => missing.size > 0,
        async load() {
          for (const [key, wanted] of missing) {
            const sbom = found.get(key) ?? (await ofImage(wanted));
            found.set(key, sbom);
            if (wanted.withPackages) packages.set(key, sbom && (await packagesIn(sbom)));
          }
          missing.clear();
        },
      };
    },
  };
}

async function findIn<T, R>(items: readonly T[], look: (item: T) => Promise<R | undefined>): Promise<R | undefined> {
  for (const item of items) {
    const found = await look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function sourceOf(store: Store, repository: Repository): AttestationSource {
  return {
    referrers: async (digest) =>
      store.read((tx) => [...iterateReferrers(tx, repository, digest, { last: '', artifactType: undefined })]),
    manifest: async (reference) => {
      const stored = store.read((tx) => findManifest(tx, repository, reference));
      return stored && (JSON.parse(new TextDecoder().decode(stored.content)) as object);
    },
  };
}

/** Indexes of the repository that list the image, the newest first. */
function indexesWith(tx: Tx, repository: Repository, digest: string): NonNullable<AttestedImage['index']>[] {
  const rows = tx.all(
    `SELECT digest, content FROM manifests WHERE repo = ? AND media_type IN (?, ?) AND instr(CAST(content AS TEXT), ?) > 0
     ORDER BY created_at DESC LIMIT 10`,
    repository.id,
    mediaTypes.ociIndex,
    mediaTypes.dockerList,
    digest,
  );
  return rows.map((row) => {
    const { manifests = [] } = JSON.parse(new TextDecoder().decode(row['content'] as Uint8Array)) as {
      manifests?: LayerDescriptor[];
    };
    return { digest: String(row['digest']), manifests };
  });
}
