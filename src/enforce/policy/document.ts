// Policy documents: YAML or JSON, one ClusterImagePolicy each, several to a file. Guarantees: every problem names the line; a
// document is read whole or not at all; what is read otherwise than written is told (enforce.md 3, the traps of 004).

import { createPublicKey } from 'node:crypto';
import { RE2JS } from 're2js';
import { isDocument, LineCounter, parseAllDocuments } from 'yaml';
import { isGlob, widened } from './globs.ts';
import {
  anything,
  boolean,
  type Fields,
  type Lines,
  list,
  object,
  problem,
  type Reader,
  read,
  text,
  texts,
} from './shapes.ts';
import {
  type AttestationRule,
  type Authority,
  type AuthorityKind,
  type CtLog,
  type IdentityRule,
  type KeySource,
  type Policy,
  type PolicyDocument,
  PolicyError,
  type ResourceMatch,
  type Rule,
  type Source,
} from './types.ts';

const reference = object({ name: text, namespace: text });
const key = { data: text, secretRef: reference, kms: text, hashAlgorithm: text };
const rule = object({
  type: text,
  data: text,
  configMapRef: object({ name: text, key: text, namespace: text }),
  remote: object({ url: text, sha256sum: text }),
  fetchConfigFile: boolean,
  includeSpec: boolean,
  includeObjectMeta: boolean,
  includeTypeMeta: boolean,
});
const authority = object({
  name: text,
  key: object(key),
  keyless: object({
    url: text,
    'ca-cert': object(key),
    trustRootRef: text,
    insecureIgnoreSCT: boolean,
    identities: list(object({ issuer: text, issuerRegExp: text, subject: text, subjectRegExp: text })),
  }),
  static: object({ action: text, message: text }),
  source: list(object({ oci: text, tagPrefix: text, signaturePullSecrets: list(object({ name: text })) })),
  ctlog: object({ url: text, publicKey: object(key), trustRootRef: text }),
  rfc3161timestamp: object({ trustRootRef: text }),
  attestations: list(object({ name: text, predicateType: text, policy: rule })),
  signatureFormat: text,
});
const documentShape = object({
  apiVersion: text,
  kind: text,
  metadata: object({
    name: text,
    labels: texts,
    annotations: texts,
    // What `kubectl get -o yaml` adds; none of it is the author's.
    creationTimestamp: anything,
    generation: anything,
    managedFields: anything,
    resourceVersion: anything,
    uid: anything,
    finalizers: anything,
  }),
  spec: object({
    images: list(object({ glob: text })),
    authorities: list(authority),
    mode: text,
    match: list(
      object({
        group: text,
        version: text,
        resource: text,
        selector: object({
          matchLabels: texts,
          matchExpressions: list(object({ key: text, operator: text, values: list(text) })),
        }),
      }),
    ),
    policy: rule,
  }),
  status: anything,
});

/** Bytes. What a platform stores of one policy. */
export const maxDocumentBytes = 512 * 1024;

/** Reads every document of a text. Throws PolicyError for the first that cannot be used, and when there is none. */
export function readPolicies(content: string): PolicyDocument[] {
  if (Buffer.byteLength(content) > maxDocumentBytes) throw new PolicyError('the document is larger than 512 KiB');
  const lines = new LineCounter();
  const documents = parseAllDocuments(content, { lineCounter: lines, uniqueKeys: true });
  if (!Array.isArray(documents)) throw new PolicyError('the document is empty');
  const found: PolicyDocument[] = [];
  const names = new Map<string, number>();
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) {
      const line = error.linePos?.[0].line;
      const [sentence = ''] = error.message.split('\n');
      throw new PolicyError(`${line === undefined ? '' : `line ${line}: `}${sentence.replace(/ at line .*$/, '')}`);
    }
    if (!isDocument(document) || document.contents === null) continue;
    const warnings: string[] = [];
    const reader: Reader = { lines, warnings, left: 50_000, resolve: (alias) => alias.resolve(document) };
    const places: Lines = new Map();
    const fields = read(reader, document.contents, documentShape, '', places) as Fields;
    const [start = 0, , end = content.length] = document.range ?? [];
    const alone =
      documents.length === 1
        ? content
        : `${content
            .slice(start, end)
            .replace(/^---\s*\n?/, '')
            .trim()}\n`;
    const one = toDocument(fields, places, warnings, alone);
    const before = names.get(one.policy.name);
    if (before !== undefined) {
      throw problem(places, 'metadata.name', `a policy "${one.policy.name}" stands in line ${before} already`);
    }
    names.set(one.policy.name, places.get('metadata.name') ?? 1);
    found.push(one);
  }
  if (found.length === 0)
    throw new PolicyError('the document is empty; a policy begins with `apiVersion: policy.sigstore.dev/v1beta1`');
  return found;
}

/** The one policy of a stored document. Throws PolicyError, also when there are several. */
export function readPolicy(content: string): PolicyDocument {
  const [first, ...others] = readPolicies(content);
  if (first === undefined || others.length > 0)
    throw new PolicyError('a document holds one policy; this one holds several');
  return first;
}

const versions = ['policy.sigstore.dev/v1alpha1', 'policy.sigstore.dev/v1beta1'] as const;

function toDocument(fields: Fields, lines: Lines, warnings: string[], content: string): PolicyDocument {
  const fail = (path: string, message: string): PolicyError => problem(lines, path, message);
  const { apiVersion, kind } = fields as { apiVersion?: string; kind?: string };
  const version = versions.find((known) => known === apiVersion);
  if (version === undefined) {
    throw fail('apiVersion', `apiVersion must be policy.sigstore.dev/v1beta1, not ${JSON.stringify(apiVersion ?? '')}`);
  }
  if (kind !== 'ClusterImagePolicy') {
    throw fail('kind', `kind must be ClusterImagePolicy, not ${JSON.stringify(kind ?? '')}`);
  }
  const metadata = (fields['metadata'] ?? {}) as { name?: string; labels?: Fields; annotations?: Fields };
  const { name } = metadata;
  if (name === undefined || name.length > 253 || !/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(name)) {
    throw fail(
      'metadata.name',
      name === undefined
        ? 'metadata.name is missing'
        : `metadata.name: ${JSON.stringify(name)} must hold lower-case letters, digits, "-" and "." only`,
    );
  }
  const spec = (fields['spec'] ?? {}) as {
    images?: { glob?: string }[];
    authorities?: Fields[];
    mode?: string;
    match?: Fields[];
    policy?: Fields;
  };
  const { images = [], authorities = [], mode = 'enforce' } = spec;
  if (images.length === 0) throw fail('spec.images', 'spec.images needs one glob at least, such as `- glob: "**"`');
  if (authorities.length === 0) throw fail('spec.authorities', 'spec.authorities needs one authority at least');
  if (mode !== 'enforce' && mode !== 'warn') {
    throw fail('spec.mode', `spec.mode must be enforce or warn, not ${JSON.stringify(mode)}`);
  }
  const globs = images.map(({ glob }, at) => {
    const path = `spec.images[${at}].glob`;
    if (glob === undefined || glob === '') throw fail(path, `${path} is missing`);
    if (isGlob(glob)) return glob;
    throw fail(
      path,
      `${path}: ${JSON.stringify(glob)} may hold letters, digits and - _ : / * . @ only, and at most two * together`,
    );
  });
  const own = authorities.map((one, at) => toAuthority(one, at, `spec.authorities[${at}]`, lines, warnings));
  const twice = own.find(({ name: first }, at) => own.findIndex((other) => other.name === first) !== at);
  if (twice !== undefined) throw fail('spec.authorities', `two authorities are called ${JSON.stringify(twice.name)}`);
  const wider = widerGlobs(version, globs, own);
  for (const [glob, meant] of wider) {
    warnings.push(
      `line ${lines.get(`spec.images[${globs.indexOf(glob)}].glob`) ?? '?'}: "${glob}" was written when the last * stood for whatever followed; "${meant}" counts as well. Write apiVersion v1beta1 to have it taken literally`,
    );
  }
  const every = [...globs, ...wider.map(([, meant]) => meant)];
  const policy: Policy = {
    name,
    apiVersion: version,
    mode,
    globs: every,
    match: (spec.match ?? []).map((one, at) => toMatch(one, `spec.match[${at}]`, lines)),
    authorities: own,
    policy: spec.policy === undefined ? undefined : toRule(spec.policy, 'spec.policy', lines),
  };
  return { policy, text: content, warnings, object: objectOf(fields, policy, metadata) };
}

function widerGlobs(version: string, globs: readonly string[], authorities: readonly Authority[]): [string, string][] {
  const passes = authorities.some(({ kind }) => kind.kind === 'static' && kind.action === 'pass');
  if (version !== versions[0] || passes) return [];
  return globs.flatMap((glob): [string, string][] => {
    const meant = widened(glob);
    return meant === undefined || globs.includes(meant) ? [] : [[glob, meant]];
  });
}

/** Returns what a cluster is given: the same in v1beta1, with what was read into it. */
function objectOf(fields: Fields, policy: Policy, metadata: { labels?: Fields; annotations?: Fields }): Fields {
  const spec = (fields['spec'] ?? {}) as Fields;
  const authorities = (spec['authorities'] as Fields[]).map((one, at) => {
    const kind = policy.authorities[at]?.kind;
    const named = { name: policy.authorities[at]?.name, ...one };
    if (kind?.kind !== 'keyless') return named;
    const keyless = (one['keyless'] ?? {}) as Fields;
    const hasIdentities = ((keyless['identities'] as unknown[] | undefined) ?? []).length > 0;
    return hasIdentities ? named : { ...named, keyless: { ...keyless, identities: [anyIdentity] } };
  });
  return {
    apiVersion: policy.apiVersion,
    kind: 'ClusterImagePolicy',
    metadata: {
      name: policy.name,
      ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
    },
    spec: { ...spec, images: policy.globs.map((glob) => ({ glob })), authorities },
  };
}

const anyIdentity = { issuerRegExp: '.*', subjectRegExp: '.*' };

function toAuthority(fields: Fields, at: number, path: string, lines: Lines, warnings: string[]): Authority {
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
  if (fields['key'] !== undefined) return { kind: 'key', ...toKey(fields['key'] as Fields, `${path}.key`, lines) };
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
    caCert: caCert === undefined ? undefined : toKey(caCert, `${here}.ca-cert`, lines),
    trustRootRef,
    identities:
      identities.length > 0
        ? identities
        : [{ issuer: undefined, issuerPattern: '.*', subject: undefined, subjectPattern: '.*' }],
    ignoresSct: insecureIgnoreSCT,
  };
}

function toKey(fields: Fields, path: string, lines: Lines): KeySource {
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
  if (data !== undefined && !/-----BEGIN (?:PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE)-----/.test(data)) {
    throw problem(lines, `${path}.data`, `${path}.data holds no PEM of a public key`);
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

function toRule(fields: Fields, path: string, lines: Lines): Rule {
  const { type, data, configMapRef, remote, fetchConfigFile, includeSpec, includeObjectMeta, includeTypeMeta } =
    fields as {
      type?: string;
      data?: string;
      configMapRef?: { name?: string; key?: string; namespace?: string };
      remote?: { url?: string; sha256sum?: string };
    } & Record<'fetchConfigFile' | 'includeSpec' | 'includeObjectMeta' | 'includeTypeMeta', boolean | undefined>;
  if (type !== 'cue' && type !== 'rego') throw problem(lines, `${path}.type`, `${path}.type must be cue or rego`);
  if ([data, configMapRef, remote].filter((one) => one !== undefined).length !== 1) {
    throw problem(lines, path, `${path} needs exactly one of data, configMapRef and remote`);
  }
  if (configMapRef !== undefined && (!configMapRef.name || !configMapRef.key)) {
    throw problem(lines, `${path}.configMapRef`, `${path}.configMapRef needs name and key`);
  }
  if (
    remote !== undefined &&
    !(protocolOf(remote.url ?? '') === 'https:' && /^[0-9a-f]{64}$/.test(remote.sha256sum ?? ''))
  ) {
    throw problem(lines, `${path}.remote`, `${path}.remote needs an https url and its sha256sum`);
  }
  return {
    type,
    data,
    configMapRef:
      configMapRef === undefined
        ? undefined
        : { name: configMapRef.name ?? '', key: configMapRef.key ?? '', namespace: configMapRef.namespace },
    remote: remote === undefined ? undefined : { url: remote.url ?? '', sha256: remote.sha256sum ?? '' },
    needs: [
      ...(fetchConfigFile ? (['config'] as const) : []),
      ...(includeSpec ? (['spec'] as const) : []),
      ...(includeObjectMeta ? (['metadata'] as const) : []),
      ...(includeTypeMeta ? (['typemeta'] as const) : []),
    ],
  };
}

function toMatch(fields: Fields, path: string, lines: Lines): ResourceMatch {
  const {
    group = '',
    version = '*',
    resource,
    selector,
  } = fields as {
    group?: string;
    version?: string;
    resource?: string;
    selector?: {
      matchLabels?: Record<string, string>;
      matchExpressions?: { key?: string; operator?: string; values?: string[] }[];
    };
  };
  if (!resource) throw problem(lines, path, `${path}.resource is missing, such as pods`);
  for (const { key: label, operator } of selector?.matchExpressions ?? []) {
    if (label && ['In', 'NotIn', 'Exists', 'DoesNotExist'].includes(operator ?? '')) continue;
    throw problem(
      lines,
      `${path}.selector`,
      `${path}.selector.matchExpressions needs a key and an operator of In, NotIn, Exists, DoesNotExist`,
    );
  }
  return {
    group,
    version,
    resource,
    selector:
      selector === undefined
        ? undefined
        : {
            matchLabels: selector.matchLabels ?? {},
            matchExpressions: (selector.matchExpressions ?? []).map(
              ({ key: label = '', operator = '', values = [] }) => ({
                key: label,
                operator,
                values,
              }),
            ),
          },
  };
}

const protocolOf = (url: string): string => (URL.canParse(url) ? new URL(url).protocol : '');
