// Signatures that are checked with certificates, logs and timestamps, by the libraries of sigstore; only what needs
// them loads them. Guarantees: each part of the trust comes from where the policy says, and from nowhere else; a time
// that nobody has signed is no time; what a policy does not ask for can be wrong without harm.

import type { KeyObject } from 'node:crypto';
import { RE2JS } from 're2js';
import { withHashOfKey } from '../../trust/signed-entity.ts';
import type { Authority, AuthorityKind, IdentityRule } from '../policy/types.ts';
import type { Check, Workflow } from './found.ts';
import { keyOf, pemOf } from './keys.ts';
import { Refusal } from './refusal.ts';
import type { Surroundings } from './surroundings.ts';
import { authorityOf, logOf } from './trust-roots.ts';

type Kind = Exclude<AuthorityKind, { kind: 'static' }>;

/** Fields of `trusted_root.json`, as far as it is put together here. */
interface RootParts {
  readonly certificateAuthorities?: readonly unknown[];
  readonly ctlogs?: readonly unknown[];
  readonly tlogs?: readonly unknown[];
  readonly timestampAuthorities?: readonly unknown[];
}

/** `keys` are those of an authority with a key, none for one with certificates. Throws Refusal. */
export async function checkerByCertificates(
  authority: Authority,
  kind: Kind,
  keys: readonly KeyObject[],
  around: Surroundings,
): Promise<Check> {
  const [{ bundleFromJSON }, { toSignedEntity, toTrustMaterial, Verifier }, { TrustedRoot }] = await Promise.all([
    import('@sigstore/bundle'),
    import('@sigstore/verify'),
    import('@sigstore/protobuf-specs'),
  ]);
  const { root, ignoresSct, needs } = await trustFor(authority, kind, around);
  const trusted = TrustedRoot.fromJSON(root);
  const options = {
    ctlogThreshold: kind.kind === 'key' || ignoresSct ? 0 : 1,
    tlogThreshold: needs.log ? 1 : 0,
    timestampThreshold: needs.timestamp ? 1 : 0,
  };
  const candidates = keys.length === 0 ? [undefined] : keys;
  const verifiers = candidates.map((key) => {
    const material = toTrustMaterial(trusted, () => {
      if (key === undefined) throw new Refusal('it is signed with a key and not with a certificate');
      return { publicKey: key, validFor: () => true };
    });
    return new Verifier(material, options);
  });
  const trustsStamps = trusted.timestampAuthorities.length > 0;
  const knownLogs = new Set(trusted.tlogs.map(({ logId }) => logId?.keyId.toString('base64') ?? ''));

  return ({ id, predicateType, statement, signedBytes, signatures, bundle, hasCertificate }) => {
    if (hasCertificate !== (kind.kind === 'keyless')) {
      return kind.kind === 'keyless'
        ? 'it is signed with a key and not with a certificate'
        : 'it is signed with a certificate';
    }
    try {
      const entity = withHashOfKey(toSignedEntity(bundleFromJSON(bundle), signedBytes), signedBytes);
      const isKnown = ({ logId }: { logId?: { keyId: Buffer } | undefined }) =>
        knownLogs.has(logId?.keyId.toString('base64') ?? '');
      // An entry that nobody asks for counts where it can be checked, and does no harm where it cannot.
      const tlogEntries = needs.log
        ? entity.tlogEntries
        : needs.timestamp
          ? []
          : entity.tlogEntries.filter((entry) => isKnown(entry));
      const logged = entity.timestamps.filter(
        (one) => one.$case === 'transparency-log' && tlogEntries.includes(one.tlogEntry),
      );
      // A time that nobody is trusted to attest is none, and the library would refuse the whole for it.
      const stamped = entity.timestamps.filter(({ $case }) => $case === 'timestamp-authority' && trustsStamps);
      const times = needs.timestamp ? stamped : logged.length > 0 ? logged : stamped;
      // A certificate without any time beside it holds only while it is valid: now.
      const isUntimed = times.length === 0 && kind.kind === 'keyless' && !needs.timestamp;
      const timestamps = isUntimed ? [presentTime(around)] : times;
      if (ignoresSct && entity.key.$case === 'certificate') hideScts(entity.key.certificate);
      const timed = { ...entity, tlogEntries, timestamps } as typeof entity;
      const { identity } = firstThatHolds(verifiers, (verifier) => verifier.verify(timed));
      const found = { id, predicateType, statement, signatures };
      if (kind.kind === 'key') return { ...found, identity: undefined };
      const who = { issuer: identity?.extensions?.issuer ?? '', subject: identity?.subjectAlternativeName ?? '' };
      if (!kind.identities.some((rule) => isWho(rule, who)))
        return `none of the expected identities matched what was in the certificate: got ${who.subject} of ${who.issuer}`;
      return { ...found, identity: who, workflow: workflowIn(identity?.oids ?? []) };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return error.message;
    }
  };
}

function firstThatHolds<Verifier, Result>(verifiers: readonly Verifier[], verify: (one: Verifier) => Result): Result {
  let last: unknown;
  for (const one of verifiers) {
    try {
      return verify(one);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

interface Needs {
  /** An entry in a transparency log. */
  readonly log: boolean;
  /** A signed timestamp, which stands in for the log. */
  readonly timestamp: boolean;
}

/**
 * Returns what has to be beside a signature (enforce.md 2). The trust root of this machine may be that of an authority
 * without a log.
 */
function needsOf({ ctlog, timestamp }: Authority, kind: Kind, hasLogs: boolean): Needs {
  if (timestamp !== undefined) return { log: false, timestamp: true };
  if (ctlog !== undefined) return { log: true, timestamp: false };
  const isPublic = kind.kind === 'keyless' && kind.trustRootRef === undefined && kind.caCert === undefined;
  return { log: isPublic && hasLogs, timestamp: false };
}

/** Each part of the trust from where the policy has it. Throws Refusal for one that is not there. */
async function trustFor(
  authority: Authority,
  kind: Kind,
  around: Surroundings,
): Promise<{ root: object; ignoresSct: boolean; needs: Needs }> {
  const { ctlog, timestamp } = authority;
  const url = kind.kind === 'keyless' ? kind.url : undefined;
  const rootOf = async (name: string | undefined): Promise<RootParts> => {
    const found = (await around.trustRoot(name, url)) as RootParts | undefined;
    if (found !== undefined) return found;
    throw new Refusal(
      name === undefined
        ? 'there is no trust root of sigstore; run `cosign initialize` where this runs'
        : `there is no trust root ${name}`,
    );
  };
  const own = kind.kind === 'keyless' && kind.caCert !== undefined ? await pemOf(kind.caCert, around) : undefined;
  const signers = kind.kind === 'keyless' && own === undefined ? await rootOf(kind.trustRootRef) : undefined;
  const logs =
    ctlog === undefined ? signers : ctlog.publicKey === undefined ? await rootOf(ctlog.trustRootRef) : undefined;
  const ownLogs = ctlog?.publicKey === undefined ? [] : [logOf(await keyOf(ctlog.publicKey, around))];
  const stamps = timestamp === undefined ? signers : await rootOf(timestamp.trustRootRef);
  const root = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    certificateAuthorities: own === undefined ? (signers?.certificateAuthorities ?? []) : [authorityOf(own)],
    ctlogs: signers?.ctlogs ?? [],
    tlogs: ownLogs.length > 0 ? ownLogs : (logs?.tlogs ?? []),
    timestampAuthorities: stamps?.timestampAuthorities ?? [],
  };
  const needs = needsOf(authority, kind, root.tlogs.length > 0);
  if (needs.log && root.tlogs.length === 0) throw new Refusal('the trust root knows no transparency log');
  if (needs.timestamp && root.timestampAuthorities.length === 0)
    throw new Refusal('the trust root knows no timestamp authority');
  // The trust root of this machine may be that of an authority without logs; one that a policy names says it itself.
  const isSilent = kind.kind === 'keyless' && kind.trustRootRef === undefined && root.ctlogs.length === 0;
  return { root, needs, ignoresSct: kind.kind === 'keyless' && (kind.ignoresSct || own !== undefined || isSilent) };
}

interface ReadCertificate {
  readonly extensions: { readonly subs: readonly { toOID(): string }[] }[];
  clone(): ReadCertificate;
}

/** The library checks every SCT that a certificate holds, on a copy of it, whether one is wanted or not. */
function hideScts(certificate: ReadCertificate): void {
  const copied = certificate.clone.bind(certificate);
  certificate.clone = () => {
    const copy = copied();
    const at = copy.extensions.findIndex(({ subs }) => subs[0]?.toOID() === '1.3.6.1.4.1.11129.2.4.2');
    if (at >= 0) copy.extensions.splice(at, 1);
    return copy;
  };
}

const presentTime = (around: Surroundings) => ({
  $case: 'transparency-log' as const,
  tlogEntry: { integratedTime: String(Math.floor(around.now() / 1000)), inclusionPromise: {}, logId: { keyId: '' } },
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

/** Fulcio's first extensions, which hold plain text (its oid-info.md). */
const workflowFields = new Map([
  ['1.3.6.1.4.1.57264.1.2', 'githubWorkflowTrigger'],
  ['1.3.6.1.4.1.57264.1.3', 'githubWorkflowSha'],
  ['1.3.6.1.4.1.57264.1.4', 'githubWorkflowName'],
  ['1.3.6.1.4.1.57264.1.5', 'githubWorkflowRepo'],
  ['1.3.6.1.4.1.57264.1.6', 'githubWorkflowRef'],
] as const);

function workflowIn(
  oids: readonly { readonly oid?: { id: number[] } | undefined; readonly value: Buffer }[],
): Workflow {
  return Object.fromEntries(
    oids.flatMap(({ oid, value }) => {
      const field = workflowFields.get((oid?.id ?? []).join('.') as never);
      return field === undefined ? [] : [[field, value.toString('utf8')]];
    }),
  );
}
