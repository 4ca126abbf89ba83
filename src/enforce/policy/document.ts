// Policy documents: YAML or JSON, one ClusterImagePolicy each, several to a file. Guarantees: every problem names the
// line; a document is read whole or not at all; what is read otherwise than written is told (enforce.md 3, the traps of
// 004).

import { isDocument, LineCounter, parseAllDocuments } from 'yaml';
import { toAuthority } from './authority-fields.ts';
import { documentShape } from './fields.ts';
import { isGlob, widened } from './globs.ts';
import { toMatch, toRule } from './rule-fields.ts';
import { type Fields, type Lines, problem, type Reader, read } from './shapes.ts';
import { type Authority, type Policy, type PolicyDocument, PolicyError } from './types.ts';

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
  if (wider.length > 0) {
    const at = wider.map(([glob]) => lines.get(`spec.images[${globs.indexOf(glob)}].glob`) ?? '?');
    const meant = wider.map(([, glob]) => `"${glob}"`);
    warnings.push(
      `line${at.length === 1 ? '' : 's'} ${at.join(', ')}: a last * stood for whatever followed when v1alpha1 was written, so ${meant.join(', ')} ` +
        `count${meant.length === 1 ? 's' : ''} as well. Write apiVersion v1beta1 to have * taken literally`,
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
