// Verdict of one authority about an image. Guarantees: exactly the signatures that hold are counted; a reason that
// nobody can give a key, a trust root or a program is a refusal that names it.

import type { ImageReference } from '../policy/globs.ts';
import type { Authority, AuthorityKind } from '../policy/types.ts';
import type { AuthorityVerdict, Check, Signer } from './found.ts';
import { isSignedBy, keyOf } from './keys.ts';
import { Refusal } from './refusal.ts';
import { breach } from './rules.ts';
import { findSigned, type Signed } from './signatures.ts';
import type { Surroundings } from './surroundings.ts';

/** Signatures or attestations of one digest in one repository are fetched once, however many authorities ask. */
export type SignedCache = Map<string, Promise<Signed[]>>;

export async function judgeAuthority(
  authority: Authority,
  image: ImageReference & { readonly digest: string },
  around: Surroundings,
  cache: SignedCache,
): Promise<AuthorityVerdict> {
  const { name, kind } = authority;
  const verdict: Say = (message, attestations = [], signatures = []) => ({
    name,
    isGood: message === '',
    message,
    signatures,
    attestations,
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
    // That nobody signed is known without a trust root, and is what there is to mend.
    const isUnsigned = !signed.some(({ predicateType }) => predicateType === undefined);
    if (kind.kind === 'keyless' && what === 'signature' && isUnsigned) return failed('no signatures found');
    const check = await checkerOf(authority, kind, around);
    if (authority.attestations.length === 0) return signatureVerdict(signed, check, verdict, failed);
    return await attestationVerdict(authority, signed, check, around, verdict, failed);
  } catch (error) {
    if (error instanceof Refusal) return failed(error.message);
    throw error;
  }
}

type Say = (
  message: string,
  attestations?: AuthorityVerdict['attestations'],
  signatures?: readonly Signer[],
) => AuthorityVerdict;

function signatureVerdict(signed: readonly Signed[], check: Check, verdict: Say, failed: Say): AuthorityVerdict {
  const candidates = signed.filter(({ predicateType }) => predicateType === undefined);
  if (candidates.length === 0) return failed('no signatures found');
  const { good, reasons } = sorted(candidates, check);
  return good.length > 0 ? verdict('', [], good) : failed(`no matching signatures: ${reasons.join(', ')}`);
}

async function attestationVerdict(
  authority: Authority,
  signed: readonly Signed[],
  check: Check,
  around: Surroundings,
  verdict: Say,
  failed: Say,
): Promise<AuthorityVerdict> {
  const found: AuthorityVerdict['attestations'][number][] = [];
  for (const { name, predicateType, policy } of authority.attestations) {
    const wanted = predicates[predicateType] ?? predicateType;
    const { good, reasons } = sorted(
      signed.filter((one) => one.predicateType === wanted),
      check,
    );
    if (good.length === 0) {
      const types = [...new Set(signed.flatMap((one) => one.predicateType ?? []))];
      const why = reasons.length > 0 ? reasons : types.length > 0 ? [`there is ${types.join(', ')}`] : [];
      return failed(`no matching attestations with type ${predicateType}${why.map((one) => `: ${one}`).join('')}`);
    }
    // One that the rule holds over is enough.
    const broken: string[] = [];
    const held: Signer[] = [];
    for (const one of good) {
      const reason = policy === undefined ? undefined : await breach(policy, name, one.statement, around);
      if (reason === undefined) held.push(one);
      else broken.push(reason);
    }
    if (held.length === 0) return failed(broken[0] ?? '');
    found.push({ name, predicateType, signatures: held });
  }
  return verdict(
    '',
    found,
    found.flatMap(({ signatures }) => signatures),
  );
}

function sorted(candidates: readonly Signed[], check: Check): { good: Signer[]; reasons: string[] } {
  const checked = candidates.map(check);
  const reasons = checked.filter((one) => typeof one === 'string');
  return { good: checked.filter((one) => typeof one !== 'string'), reasons: [...new Set(reasons)] };
}

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
async function signedFor(
  { sources, attestations }: Authority,
  image: ImageReference & { readonly digest: string },
  around: Surroundings,
  cache: SignedCache,
): Promise<Signed[]> {
  const [source] = sources;
  const place = source?.oci === undefined ? image : placeOf(source.oci);
  if (place === undefined) throw new Refusal(`source ${JSON.stringify(source?.oci)} names no repository`);
  const { registry, repository } = place;
  const secrets = source?.pullSecrets ?? [];
  const what = attestations.length > 0 ? 'attestation' : 'signature';
  const key = JSON.stringify([what, registry, repository, image.digest, source?.tagPrefix ?? '', secrets]);
  const known = cache.get(key);
  if (known !== undefined) return known;
  const finding = findSigned(
    around.repository({ registry, repository }, secrets),
    image.digest,
    what,
    source?.tagPrefix,
  );
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
  const keys = kind.kind === 'key' ? [await keyOf(kind, around)] : [];
  if (kind.kind === 'keyless' || authority.ctlog !== undefined || authority.timestamp !== undefined) {
    const { checkerByCertificates } = await import('./certificates.ts');
    return checkerByCertificates(authority, kind, keys, around);
  }
  return ({ id, predicateType, statement, signedBytes, signatures }) =>
    isSignedBy(keys, kind.hashAlgorithm, signedBytes, signatures)
      ? { id, predicateType, statement, signatures, identity: undefined }
      : 'the signature was made with another key';
}
