// Maps attestations to the names they are called and kept as. Guarantees: decides by names alone and opens nothing.

export type PredicateKind = 'spdx' | 'cyclonedx' | 'other';

/** By the predicate's type, whatever version stands behind it: `https://spdx.dev/Document/v2.3`. */
export function predicateKind(type: string): PredicateKind {
  if (/^https?:\/\/spdx\.dev\/Document(?:\/.*)?$/i.test(type)) return 'spdx';
  if (/^https?:\/\/cyclonedx\.org\/(?:bom|schema|specification)(?:\/.*)?$/i.test(type)) return 'cyclonedx';
  return 'other';
}

export const envelopeTypes = {
  dsse: 'application/vnd.dsse.envelope.v1+json',
  bundle: /^application\/vnd\.dev\.sigstore\.bundle(?:\.v[0-9.]+\+json|\+json;\s*version=[0-9.]+)$/,
  inToto: 'application/vnd.in-toto+json',
} as const;

export const holdsStatement = (mediaType: string): boolean =>
  mediaType === envelopeTypes.dsse || mediaType === envelopeTypes.inToto || envelopeTypes.bundle.test(mediaType);

type Annotations = Readonly<Record<string, string>>;

/** The predicate's type as annotations of a layer, a manifest or a descriptor say it; undefined when they do not. */
export const predicateIn = (annotations: Annotations | undefined): string | undefined =>
  annotations?.['predicateType'] ??
  annotations?.['in-toto.io/predicate-type'] ??
  annotations?.['dev.sigstore.bundle.predicateType'];

/**
 * Returns whether a referrer may hold statements, by its artifact type. Images' config types are what old clients left
 * there.
 */
export const mayHoldStatements = (artifactType: string | undefined): boolean =>
  artifactType === undefined ||
  artifactType === '' ||
  /\.att\.|attest|in-toto|dsse|sigstore\.bundle|image\.config|container\.image|empty|unknown/i.test(artifactType);
