// Finds statements about an image: among its referrers, under cosign's tag, beside it in its index as BuildKit puts
// them, and about the index as a whole. Guarantees: nothing is opened whose annotations say that it is something else,
// and what was passed over is told; the caller fetches.

import { holdsStatement, mayHoldStatements, predicateIn, predicateKind } from './predicates.ts';
import type { StatementFacts } from './statement.ts';

export interface LayerDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ReferrerDescriptor extends LayerDescriptor {
  readonly artifactType?: string;
}

/** Parameters of a search for attestations in a repository. */
export interface AttestationSource {
  /** All manifests that refer to one, every page of the list. */
  referrers(digest: string): Promise<readonly ReferrerDescriptor[]>;
  /** By digest or tag; undefined when there is none. */
  manifest(
    reference: string,
  ): Promise<{ readonly artifactType?: string; readonly layers?: readonly LayerDescriptor[] } | undefined>;
}

export interface AttestedImage {
  readonly digest: string;
  /** The index it was found in. */
  readonly index?: { readonly digest: string; readonly manifests: readonly LayerDescriptor[] } | undefined;
}

export interface Candidate {
  readonly layer: LayerDescriptor;
  /** Digests a statement may speak of to count. */
  readonly about: readonly string[];
}

export interface Found {
  /** Places of a bill of materials, the best first: of the image before of its index, SPDX first, the newest first. */
  readonly candidates: readonly Candidate[];
  /** Names of what else is attached: predicate types, artifact types. */
  readonly others: readonly string[];
}

const kindOrder = { spdx: 0, other: 1, cyclonedx: 2 } as const;

export async function findCandidates(source: AttestationSource, image: AttestedImage): Promise<Found> {
  const found: (Candidate & { readonly rank: number })[] = [];
  const others = new Set<string>();
  const look = async (reference: string, about: readonly string[], place: number): Promise<void> => {
    const manifest = await source.manifest(reference);
    // Whoever attests again, because the first document was wrong, has cosign add a layer behind the others.
    for (const layer of [...(manifest?.layers ?? [])].reverse()) {
      const predicate = predicateIn(layer.annotations);
      const kind = predicate === undefined ? 'other' : predicateKind(predicate);
      if (!holdsStatement(layer.mediaType)) others.add(layer.mediaType);
      else if (predicate !== undefined && kind === 'other') others.add(predicate);
      else found.push({ layer, about, rank: place * 3 + kindOrder[kind] });
    }
  };
  const lookAt = async (digest: string, about: readonly string[], place: number): Promise<void> => {
    const referrers = [...(await source.referrers(digest))].sort((a, b) => madeAt(b) - madeAt(a));
    for (const { digest: referrer, artifactType, annotations } of referrers) {
      const predicate = predicateIn(annotations);
      if (predicate !== undefined && predicateKind(predicate) === 'other') others.add(predicate);
      else if (predicate === undefined && !mayHoldStatements(artifactType)) others.add(artifactType ?? '');
      else await look(referrer, about, place);
    }
    // cosign before referrers: one manifest under a tag made of the digest.
    await look(`${digest.replace(':', '-')}.att`, about, place);
  };

  const own = [image.digest];
  await lookAt(image.digest, own, 0);
  for (const { digest, annotations } of image.index?.manifests ?? []) {
    const isAbout =
      annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' &&
      annotations['vnd.docker.reference.digest'] === image.digest;
    if (isAbout) await look(digest, own, 0);
  }
  if (image.index !== undefined) await lookAt(image.index.digest, [image.index.digest, image.digest], 1);
  const candidates = found.map((one, at) => ({ one, at }));
  // The same layer is often found twice: by reference and under the tag.
  const seen = new Set<string>();
  return {
    candidates: candidates
      .sort((a, b) => a.one.rank - b.one.rank || a.at - b.at)
      .map(({ one: { layer, about } }) => ({ layer, about }))
      .filter(({ layer }) => !seen.has(layer.digest) && seen.add(layer.digest)),
    others: [...others],
  };
}

const madeAt = ({ annotations }: ReferrerDescriptor): number =>
  Date.parse(annotations?.['org.opencontainers.image.created'] ?? annotations?.['dev.sigstore.bundle.created'] ?? '') ||
  0;

/** Undefined when the statement holds a bill of materials of the image; otherwise what it is. */
export function whyNotBom(
  { about }: Candidate,
  { predicateType, subjects, document }: StatementFacts,
): string | undefined {
  const kind = predicateKind(predicateType);
  if (kind === 'other') return predicateType === '' ? 'something that is no statement' : predicateType;
  if (!subjects.some((subject) => about.includes(subject))) return 'an SBOM that speaks of another image';
  switch (document.format) {
    case 'spdx':
    case 'cyclonedx':
      return undefined;
    case 'spdx-3':
      return `an SBOM in SPDX ${document.version}, which cannot be read yet`;
    case 'spdx-tag-value':
      return `an SBOM in SPDX ${document.version} as tag-value text, which cannot be read; attest the JSON form`;
    default:
      // Documents without a version are taken for what they are attested as.
      return undefined;
  }
}
