// One authority of a policy document, out of its fields (enforce.md 2). Guarantees: it says exactly one way to verify, its keys and
// patterns can be read, and whatever cannot be used is a sentence with its line.

import { createPublicKey } from 'node:crypto';
import { RE2JS } from 're2js';
import { protocolOf, toRule } from './rule-fields.ts';
import { type Fields, type Lines, problem } from './shapes.ts';
import type {
  AttestationRule,
  Authority,
  AuthorityKind,
  CtLog,
  IdentityRule,
  KeySource,
  PolicyError,
  Source,
} from './types.ts';

export function toAuthority(fields: Fields, at: number, path: string, lines: Lines, warnings: string[]): Authority {
  const fail = (part: string, message: string): PolicyError => problem(lines, `${path}${part}`, `${path}${message}`);
  const given = ['key', 'keyless', 'static'].filter((one) => fields[one] !== undefined);
  if (given.length !== 1) throw fail('', ' needs exactly one of key, keyless and static');
  const { name, signatureFormat } = fields as { name?: string; signatureFormat?: string };
  const sources = ((fields['source'] ?? []) as Fields[]).map(toSource);
  if (sources.length > 1) throw fail('.source', '.source may hold one source');
  const kind = toKind(fields, path, lines, warnings);
  const ctlog = fields['ctlog'] === undefined ? undefined : toCtLog(fields['ctlog'] as Fields, `${path}.ctlog`, lines);
  const timestamp = fields['rfc3161timestamp'] as { trustRootRef?: string } | undefined;
  const attestations = ((fields['attestations'] ?? []) as Fields[]).map((one, index) =>
    toAttestation(one, `${path}.attestations[${index}]`, lines),
  );
  if (kind.kind === 'static') {
    const beside = ['source', 'ctlog', 'rfc3161timestamp', 'attestations'].find((one) => fields[one] !== undefined);
    if (beside !== undefined) throw fail(`.${beside}`, `.${beside} has no use beside static`);
  }
  if (signatureFormat !== undefined && !['bundle', 'simplesigning', 'legacy'].includes(signatureFormat)) {
    throw fail(
      '.signatureFormat',
      `.signatureFormat must be bundle or simplesigning, not ${JSON.stringify(signatureFormat)}`,
    );
  }
  return {
    name: name === undefined || name === '' ? `authority-${at}` : name,
    kind,
    sources,
    ctlog,
    timestamp: timestamp === undefined ? undefined : { trustRootRef: timestamp.trustRootRef },
    attestations,
  };
}

function toKind(fields: Fields, path: string, lines: Lines, warnings: string[]): AuthorityKind {
  if (fields['static'] !== undefined) {
    const { action, message = '' } = fields['static'] as { action?: string; message?: string };
    if (action === 'pass' || action === 'fail') return { kind: 'static', action, message };
    throw problem(lines, `${path}.static`, `${path}.static.action must be pass or fail`);
  }
  if (fields['key'] !== undefined) {
    const key = toKey(fields['key'] as Fields, `${path}.key`, lines);
    if ((key.data?.match(/-----BEGIN /g) ?? []).length > 1) {
      const line = lines.get(`${path}.key.data`);
      warnings.push(
        `${line === undefined ? '' : `line ${line}: `}${path}.key.data holds several keys, and only the first counts; give each an authority of its own`,
      );
    }
    return { kind: 'key', ...key };
  }
  const keyless = fields['keyless'] as Fields & { url?: string; trustRootRef?: string; insecureIgnoreSCT?: boolean };
  const { url, trustRootRef, insecureIgnoreSCT = false } = keyless;
  const here = `${path}.keyless`;
  if (url !== undefined && !/^https?:$/.test(protocolOf(url))) {
    throw problem(lines, `${here}.url`, `${here}.url: ${JSON.stringify(url)} is not an https URL`);
  }
  const identities = ((keyless['identities'] ?? []) as Fields[]).map((one, index) =>
    toIdentity(one, `${here}.identities[${index}]`, lines),
  );
  if (identities.length === 0) {
    const line = lines.get(here);
    warnings.push(
      `${line === undefined ? '' : `line ${line}: `}${here} names no identities, so a signature of anybody with a certificate of that authority counts; say who with identities`,
    );
  }
  const caCert = keyless['ca-cert'] as Fields | undefined;
  return {
    kind: 'keyless',
    url,
    caCert: caCert === undefined ? undefined : toKey(caCert, `${here}.ca-cert`, lines, 'certificate'),
    trustRootRef,
    identities:
      identities.length > 0
        ? identities
        : [{ issuer: undefined, issuerPattern: '.*', subject: undefined, subjectPattern: '.*' }],
    ignoresSct: insecureIgnoreSCT,
  };
}

/** Labels of PEM (RFC 7468, 13 and 5) that policy-controller takes. */
const kinds: Readonly<Record<'public key' | 'certificate', readonly string[]>> = {
  'public key': ['PUBLIC KEY', 'RSA PUBLIC KEY'],
  certificate: ['CERTIFICATE'],
};
const wrongKinds = [
  ['PRIVATE KEY', ' but a private key; its public half is what `openssl pkey -pubout` prints'],
  ['CERTIFICATE', ' but a certificate; its key is what `openssl x509 -noout -pubkey` prints'],
] as const;

function toKey(fields: Fields, path: string, lines: Lines, holds: keyof typeof kinds = 'public key'): KeySource {
  const {
    data,
    secretRef,
    kms,
    hashAlgorithm = 'sha256',
  } = fields as {
    data?: string;
    secretRef?: { name?: string; namespace?: string };
    kms?: string;
    hashAlgorithm?: string;
  };
  if ([data, secretRef, kms].filter((one) => one !== undefined).length !== 1) {
    throw problem(lines, path, `${path} needs exactly one of data, secretRef and kms`);
  }
  const [, kind] = /-----BEGIN ([A-Z ]+)-----/.exec(data ?? '') ?? [];
  if (data !== undefined && !kinds[holds].includes(kind ?? '')) {
    const instead = holds === 'public key' ? wrongKinds.find(([word]) => kind?.includes(word))?.[1] : undefined;
    throw problem(lines, `${path}.data`, `${path}.data holds no PEM of a ${holds}${instead ?? ''}`);
  }
  if (data !== undefined && !isReadable(data)) {
    throw problem(lines, `${path}.data`, `${path}.data holds a key that cannot be read; it may be cut short`);
  }
  if (secretRef !== undefined && !secretRef.name) throw problem(lines, path, `${path}.secretRef.name is missing`);
  if (!['sha224', 'sha256', 'sha384', 'sha512'].includes(hashAlgorithm.toLowerCase())) {
    throw problem(lines, `${path}.hashAlgorithm`, `${path}.hashAlgorithm must be sha256, sha384 or sha512`);
  }
  return {
    data,
    secretRef: secretRef === undefined ? undefined : { name: secretRef.name ?? '', namespace: secretRef.namespace },
    kms,
    hashAlgorithm: hashAlgorithm.toLowerCase(),
  };
}

function isReadable(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN [A-Z ]+-----[\s\S]*?-----END [A-Z ]+-----/g) ?? [];
  try {
    for (const block of blocks) createPublicKey(block);
    return blocks.length > 0;
  } catch {
    return false;
  }
}

function toIdentity(fields: Fields, path: string, lines: Lines): IdentityRule {
  const { issuer, issuerRegExp, subject, subjectRegExp } = fields as Record<string, string | undefined>;
  if ((issuer === undefined) === (issuerRegExp === undefined)) {
    throw problem(lines, path, `${path} needs exactly one of issuer and issuerRegExp`);
  }
  if ((subject === undefined) === (subjectRegExp === undefined)) {
    throw problem(lines, path, `${path} needs exactly one of subject and subjectRegExp`);
  }
  for (const [name, pattern] of Object.entries({ issuerRegExp, subjectRegExp })) {
    if (pattern === undefined) continue;
    try {
      RE2JS.compile(pattern);
    } catch (error) {
      throw problem(
        lines,
        `${path}.${name}`,
        `${path}.${name}: ${JSON.stringify(pattern)} is no pattern: ${(error as Error).message}`,
      );
    }
  }
  return { issuer, issuerPattern: issuerRegExp, subject, subjectPattern: subjectRegExp };
}

function toSource(fields: Fields): Source {
  const {
    oci,
    tagPrefix,
    signaturePullSecrets = [],
  } = fields as {
    oci?: string;
    tagPrefix?: string;
    signaturePullSecrets?: { name?: string }[];
  };
  return { oci, tagPrefix, pullSecrets: signaturePullSecrets.flatMap(({ name }) => name ?? []) };
}

function toCtLog(fields: Fields, path: string, lines: Lines): CtLog {
  const { url, trustRootRef } = fields as { url?: string; trustRootRef?: string };
  if (url !== undefined && !/^https?:$/.test(protocolOf(url))) {
    throw problem(lines, `${path}.url`, `${path}.url: ${JSON.stringify(url)} is not an https URL`);
  }
  const publicKey = fields['publicKey'] as Fields | undefined;
  return {
    url,
    trustRootRef,
    publicKey: publicKey === undefined ? undefined : toKey(publicKey, `${path}.publicKey`, lines),
  };
}

function toAttestation(fields: Fields, path: string, lines: Lines): AttestationRule {
  const { name, predicateType, policy } = fields as { name?: string; predicateType?: string; policy?: Fields };
  if (!name) throw problem(lines, path, `${path}.name is missing`);
  if (!predicateType) throw problem(lines, path, `${path}.predicateType is missing`);
  return { name, predicateType, policy: policy === undefined ? undefined : toRule(policy, `${path}.policy`, lines) };
}
