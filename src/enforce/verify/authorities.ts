// What one authority says of an image. Guarantees: exactly the signatures that hold are counted; a reason that nobody can give
// a key, a trust root or a program is a refusal that names it.

import { createPublicKey, type KeyObject, verify as verifySignature, X509Certificate } from 'node:crypto';
import { RE2JS } from 're2js';
import type { ImageReference } from '../policy/globs.ts';
import type { Authority, AuthorityKind, IdentityRule, KeySource, Rule } from '../policy/types.ts';
import { findSigned, type Signed } from './signatures.ts';
import type { Surroundings } from './surroundings.ts';

export interface Signer {
  /** Of the layer. */
  readonly id: string;
  readonly predicateType: string | undefined;
  /** Undefined for a key. */
  readonly identity: { readonly issuer: string; readonly subject: string } | undefined;
}

export interface AuthorityVerdict {
  readonly name: string;
  readonly isGood: boolean;
  /** Empty when it is good. */
  readonly message: string;
  readonly signatures: readonly Signer[];
}

/** A reason that is not about the signatures themselves. */
class Refusal extends Error {}

/** Signatures of one digest in one repository are fetched once, however many authorities ask. */
export type SignedCache = Map<string, Promise<Signed[]>>;

export async function judgeAuthority(
  authority: Authority,
  image: ImageReference & { readonly digest: string },
  around: Surroundings,
  cache: SignedCache,
): Promise<AuthorityVerdict> {
  const { name, kind } = authority;
  const verdict = (message: string, signatures: readonly Signer[] = []): AuthorityVerdict => ({
    name,
    isGood: message === '',
    message,
    signatures,
  });
  if (kind.kind === 'static') {
    if (kind.action === 'pass') return verdict('');
    return verdict(`disallowed by static policy${kind.message === '' ? '' : `: ${kind.message}`}`);
  }
  const reference = `${image.registry}/${image.repository}@${image.digest}`;
  const what = authority.attestations.length > 0 ? 'attestation' : 'signature';
  const failed = (reason: string) =>
    verdict(`${what} ${kind.kind} validation failed for authority ${name} for ${reference}: ${reason}`);
  try {
    const signed = await signedFor(authority, image, around, cache);
    const check = await checkerOf(authority, kind, around);
    if (authority.attestations.length === 0) return signatureVerdict(signed, check, verdict, failed);
    return await attestationVerdict(authority, signed, check, verdict, failed);
  } catch (error) {
    if (error instanceof Refusal) return failed(error.message);
    throw error;
  }
}

type Check = (signed: Signed) => Signer | string;
type Say = (message: string, signatures?: readonly Signer[]) => AuthorityVerdict;

function signatureVerdict(signed: readonly Signed[], check: Check, verdict: Say, failed: Say): AuthorityVerdict {
  const candidates = signed.filter(({ predicateType }) => predicateType === undefined);
  if (candidates.length === 0) return failed('no signatures found');
  const checked = candidates.map(check);
  const good = checked.filter((one) => typeof one !== 'string');
  if (good.length > 0) return verdict('', good);
  const reasons = [...new Set(checked.filter((one) => typeof one === 'string'))];
  return failed(`no matching signatures: ${reasons.join(', ')}`);
}

async function attestationVerdict(
  authority: Authority,
  signed: readonly Signed[],
  check: Check,
  verdict: Say,
  failed: Say,
): Promise<AuthorityVerdict> {
  const all: Signer[] = [];
  for (const rule of authority.attestations) {
    const wanted = predicateOf(rule.predicateType);
    const candidates = signed.filter(
      ({ predicateType }) => predicateType !== undefined && isPredicate(predicateType, wanted),
    );
    const checked = candidates.map(check);
    const good = checked.filter((one) => typeof one !== 'string');
    if (good.length === 0) {
      const reasons = [...new Set(checked.filter((one) => typeof one === 'string'))];
      return failed(
        `no matching attestations with type ${rule.predicateType}${reasons.length === 0 ? '' : `: ${reasons.join(', ')}`}`,
      );
    }
    if (rule.policy !== undefined) return failed(undecided(rule.policy, rule.name));
    all.push(...good);
  }
  return verdict('', all);
}

/** CUE and Rego are not decided by this version; what is not decided does not pass. */
export const undecided = ({ type }: Rule, name: string): string =>
  `failed evaluating ${type} policy for ${name}: ${type === 'cue' ? 'CUE' : 'Rego'} is not decided by this version`;

/** Short names of cosign. */
const predicates: Readonly<Record<string, string>> = {
  custom: 'https://cosign.sigstore.dev/attestation/v1',
  cyclonedx: 'https://cyclonedx.org/bom',
  link: 'https://in-toto.io/Link/v1',
  openvex: 'https://openvex.dev/ns',
  slsaprovenance: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance02: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance1: 'https://slsa.dev/provenance/v1',
  spdx: 'https://spdx.dev/Document',
  spdxjson: 'https://spdx.dev/Document',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
};
const predicateOf = (type: string): string => predicates[type] ?? type;

/** SPDX and CycloneDX put their version behind the type. */
const isPredicate = (type: string, wanted: string): boolean =>
  type === wanted || (/spdx\.dev|cyclonedx\.org/.test(wanted) && type.startsWith(`${wanted}/`));

async function signedFor(
  { sources }: Authority,
  image: ImageReference & { readonly digest: string },
  around: Surroundings,
  cache: SignedCache,
): Promise<Signed[]> {
  const [source] = sources;
  const place = source?.oci === undefined ? image : placeOf(source.oci);
  if (place === undefined) throw new Refusal(`source ${JSON.stringify(source?.oci)} names no repository`);
  const { registry, repository } = place;
  const secrets = source?.pullSecrets ?? [];
  const key = JSON.stringify([registry, repository, image.digest, source?.tagPrefix ?? '', secrets]);
  const known = cache.get(key);
  if (known !== undefined) return known;
  const finding = findSigned(around.repository({ registry, repository }, secrets), image.digest, source?.tagPrefix);
  cache.set(key, finding);
  return finding;
}

function placeOf(text: string): { registry: string; repository: string } | undefined {
  const slash = text.indexOf('/');
  if (slash < 1) return undefined;
  const [registry, repository] = [text.slice(0, slash), text.slice(slash + 1)];
  return /[.:]|^localhost$/.test(registry)
    ? { registry, repository }
    : { registry: 'index.docker.io', repository: text };
}

async function checkerOf(
  authority: Authority,
  kind: Exclude<AuthorityKind, { kind: 'static' }>,
  around: Surroundings,
): Promise<Check> {
  if (kind.kind === 'key') {
    const keys = await keysOf(kind, around);
    if (authority.ctlog === undefined && authority.timestamp === undefined) return byKey(keys, kind.hashAlgorithm);
    return byVerifier(authority, kind, keys, around);
  }
  return byVerifier(authority, kind, [], around);
}

function byKey(keys: readonly KeyObject[], hash: string): Check {
  return ({ id, predicateType, signedBytes, signatures }) => {
    const isGood = keys.some((key) => signatures.some((signature) => fits(key, hash, signedBytes, signature)));
    return isGood ? { id, predicateType, identity: undefined } : 'the signature was made with another key';
  };
}

function fits(key: KeyObject, hash: string, bytes: Buffer, signature: Buffer): boolean {
  try {
    // Ed25519 has its hash built in.
    return verifySignature(key.asymmetricKeyType === 'ed25519' ? null : hash, bytes, key, signature);
  } catch {
    return false;
  }
}

async function keysOf(source: KeySource, around: Surroundings): Promise<KeyObject[]> {
  const pem = await pemOf(source, around);
  const blocks = pem.match(/-----BEGIN [A-Z ]+-----[\s\S]*?-----END [A-Z ]+-----/g) ?? [];
  try {
    if (blocks.length > 0) return blocks.map((block) => createPublicKey(block));
  } catch {
    // Said below.
  }
  throw new Refusal('the key of the authority is no public key in PEM');
}

/** Text of a key or certificate. Throws Refusal. */
async function pemOf({ data, secretRef, kms }: KeySource, around: Surroundings): Promise<string> {
  if (data !== undefined) return data;
  if (secretRef === undefined) throw new Refusal(`keys in a KMS are not supported (${kms})`);
  const values = await around.secret(secretRef.name, secretRef.namespace);
  const [only, ...others] = Object.values(values ?? {});
  if (only === undefined)
    throw new Refusal(`there is no secret ${secretRef.namespace ?? 'cosign-system'}/${secretRef.name}`);
  const named = values?.['cosign.pub'] ?? values?.['publicKey'];
  if (others.length > 0 && named === undefined) throw new Refusal(`secret ${secretRef.name} must hold one key`);
  return named ?? only;
}

/** Certificates, logs and timestamps, by the libraries of sigstore; only what needs them loads them. */
async function byVerifier(
  authority: Authority,
  kind: Exclude<AuthorityKind, { kind: 'static' }>,
  keys: readonly KeyObject[],
  around: Surroundings,
): Promise<Check> {
  const [{ bundleFromJSON }, { toSignedEntity, toTrustMaterial, Verifier }, { TrustedRoot }] = await Promise.all([
    import('@sigstore/bundle'),
    import('@sigstore/verify'),
    import('@sigstore/protobuf-specs'),
  ]);
  const rootName =
    authority.ctlog?.trustRootRef ??
    authority.timestamp?.trustRootRef ??
    (kind.kind === 'keyless' ? kind.trustRootRef : undefined);
  const root = await around.trustRoot(rootName);
  const ownAuthority =
    kind.kind === 'keyless' && kind.caCert !== undefined ? await pemOf(kind.caCert, around) : undefined;
  if (root === undefined && ownAuthority === undefined) {
    throw new Refusal(
      rootName === undefined
        ? 'there is no trust root of sigstore; run `cosign initialize` where this runs'
        : `there is no trust root ${rootName}`,
    );
  }
  const trusted = TrustedRoot.fromJSON(root ?? emptyRoot);
  const own =
    ownAuthority === undefined
      ? trusted
      : { ...trusted, certificateAuthorities: [authorityOf(TrustedRoot, ownAuthority)] };
  if (authority.ctlog?.publicKey !== undefined)
    throw new Refusal('ctlog.publicKey is not supported; name a trust root');
  const finder = keys.map((key) => ({ publicKey: key, validFor: () => true }));
  const material = toTrustMaterial(own, () => {
    const [first] = finder;
    if (first === undefined) throw new Refusal('it was signed with a key');
    return first;
  });
  const wantsLog = authority.timestamp === undefined && own.tlogs.length > 0;
  const ignoresSct = kind.kind === 'keyless' && (kind.ignoresSct || ownAuthority !== undefined);
  const verifier = new Verifier(material, {
    ctlogThreshold: kind.kind === 'key' || ignoresSct ? 0 : Math.min(own.ctlogs.length, 1),
    tlogThreshold: wantsLog ? 1 : 0,
    timestampThreshold: authority.timestamp === undefined ? 0 : 1,
  });
  return ({ id, predicateType, bundle, hasCertificate }) => {
    if (hasCertificate !== (kind.kind === 'keyless')) {
      return kind.kind === 'keyless'
        ? 'it is signed with a key and not with a certificate'
        : 'it is signed with a certificate';
    }
    try {
      const entity = toSignedEntity(bundleFromJSON(bundle));
      // A certificate without any time beside it holds only while it is valid: now.
      const timed =
        entity.timestamps.length > 0 || kind.kind === 'key' ? entity : { ...entity, timestamps: [presentTime(around)] };
      const { identity } = verifier.verify(timed as typeof entity);
      if (kind.kind === 'key') return { id, predicateType, identity: undefined };
      const who = { issuer: identity?.extensions?.issuer ?? '', subject: identity?.subjectAlternativeName ?? '' };
      if (kind.identities.some((rule) => isWho(rule, who))) return { id, predicateType, identity: who };
      return `none of the expected identities matched what was in the certificate: got ${who.subject} of ${who.issuer}`;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return error.message;
    }
  };
}

const presentTime = (around: Surroundings) => ({
  $case: 'transparency-log' as const,
  tlogEntry: { integratedTime: String(Math.floor(around.now() / 1000)) },
});

/** Patterns may fit anywhere, as upstream has it; `^` and `$` say otherwise. */
function isWho(
  { issuer, issuerPattern, subject, subjectPattern }: IdentityRule,
  who: { issuer: string; subject: string },
): boolean {
  const isLike = (literal: string | undefined, pattern: string | undefined, value: string): boolean =>
    literal !== undefined
      ? literal === value
      : RE2JS.compile(pattern ?? '')
          .matcher(value)
          .find();
  return isLike(issuer, issuerPattern, who.issuer) && isLike(subject, subjectPattern, who.subject);
}

const emptyRoot = {
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [],
  certificateAuthorities: [],
  ctlogs: [],
  timestampAuthorities: [],
};

interface RootReader<Root> {
  fromJSON(value: unknown): Root;
}

function authorityOf<Root extends { certificateAuthorities: readonly unknown[] }>(
  reader: RootReader<Root>,
  pem: string,
) {
  const certificates = (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map(
    (block) => ({
      rawBytes: new X509Certificate(block).raw.toString('base64'),
    }),
  );
  if (certificates.length === 0) throw new Refusal('ca-cert holds no certificate in PEM');
  const [made] = reader.fromJSON({
    ...emptyRoot,
    certificateAuthorities: [
      { subject: {}, uri: '', certChain: { certificates }, validFor: { start: '1970-01-01T00:00:00Z' } },
    ],
  }).certificateAuthorities as Root['certificateAuthorities'][number][];
  if (made === undefined) throw new Refusal('ca-cert cannot be read');
  return made as never;
}
