// Reads the text of files that describe an organization. Guarantees: an unknown key, a value of the wrong shape and a
// line that YAML does not allow are told with file and line, all of them at once; scalars are taken as they are
// written, so an account such as 012345678901 keeps its zero.

import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { CliError } from '../errors.ts';
import { nearest } from '../suggest.ts';
import { type Entry, type Section, type Shape, sectionNames, sections } from './shapes.ts';

export const formatVersion = '1';

/** Position of an entry: `iam.yaml:12`. */
export type Line = string;

export interface Written<T> {
  readonly value: T;
  readonly line: Line;
}

export interface Document {
  /** Name of the organization that the files say they are about. */
  readonly organization: Written<string>;
  readonly sections: { readonly [S in Section]: readonly Written<Entry<S>>[] };
  /** `dev@example.com can registry.push on engineering`. */
  readonly expectations: readonly Written<string>[];
  /** Sections that at least one of the files has: what is not mentioned at all is never deleted. */
  readonly mentioned: ReadonlySet<Section>;
}

export interface FileText {
  readonly path: string;
  readonly text: string;
}

/** Throws a usage CliError `usage.iam-file` that lists everything that is wrong. */
export function readDocument(files: readonly FileText[]): Document {
  const problems: string[] = [];
  const organizations: Written<string>[] = [];
  const found = Object.fromEntries(sectionNames.map((name) => [name, []])) as unknown as Record<
    Section,
    Written<Entry>[]
  >;
  const mentioned = new Set<Section>();
  const expectations: Written<string>[] = [];
  for (const { path, text } of files) {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    for (const { pos, message } of document.errors) problems.push(`${path}:${lines.linePos(pos[0]).line}: ${message}`);
    if (document.errors.length > 0) continue;
    const reader = new Reader(path, lines, problems);
    const top = reader.object(document.contents, ['version', 'organization', ...sectionNames, 'expect'], 'the file');
    const version = top.get('version');
    if (version === undefined)
      problems.push(`${path}:1: the key "version" is missing; write "version: ${formatVersion}"`);
    else if (reader.text(version, 'version') !== formatVersion) {
      problems.push(`${reader.lineOf(version)}: version must be ${formatVersion}; a newer chainctl may read this file`);
    }
    const organization = top.get('organization');
    if (organization === undefined) problems.push(`${path}:1: the key "organization" is missing`);
    else organizations.push({ value: reader.text(organization, 'organization'), line: reader.lineOf(organization) });
    for (const name of sectionNames) {
      const node = top.get(name);
      if (node === undefined) continue;
      mentioned.add(name);
      for (const item of reader.list(node, name)) {
        const value = reader.shaped(item, sections[name], name) as Entry;
        found[name].push({ value, line: reader.lineOf(item) });
      }
    }
    const expect = top.get('expect');
    if (expect !== undefined) {
      for (const item of reader.list(expect, 'expect')) {
        expectations.push({ value: reader.text(item, 'expect'), line: reader.lineOf(item) });
      }
    }
  }
  const [organization, ...others] = organizations;
  for (const other of others) {
    if (other.value !== organization?.value) {
      problems.push(
        `${other.line}: organization is "${other.value}", and "${organization?.value}" in ${organization?.line}`,
      );
    }
  }
  refuse(problems);
  if (organization === undefined) throw new CliError('usage', 'There is no file to read', { code });
  // Each list holds what the reader made by the shape of its section.
  return { organization, sections: found as unknown as Document['sections'], expectations, mentioned };
}

const code = 'usage.iam-file';

/** Throws when there is a problem: the first as the sentence, the others below it. */
export function refuse(problems: readonly string[]): void {
  const [first, ...details] = problems;
  if (first !== undefined) throw new CliError('usage', first, { code, details });
}

class Reader {
  readonly #path: string;
  readonly #lines: LineCounter;
  readonly #problems: string[];

  constructor(path: string, lines: LineCounter, problems: string[]) {
    this.#path = path;
    this.#lines = lines;
    this.#problems = problems;
  }

  lineOf(node: unknown): Line {
    const at = (node as Node | null)?.range?.[0] ?? 0;
    return `${this.#path}:${this.#lines.linePos(at).line}`;
  }

  object(node: unknown, known: readonly string[], what: string): Map<string, unknown> {
    const members = new Map<string, unknown>();
    if (!isMap(node)) {
      this.#wrong(node, `${what} must be an object with the keys ${known.join(', ')}`);
      return members;
    }
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      if (!known.includes(name)) {
        const near = nearest(name, known);
        this.#wrong(
          key,
          `${what} has no key "${name}"${near === undefined ? `; it has ${known.join(', ')}` : `; did you mean "${near}"?`}`,
        );
      } else if (value !== null && !(isScalar(value) && value.value === null)) members.set(name, value);
    }
    return members;
  }

  list(node: unknown, what: string): readonly unknown[] {
    if (isSeq(node)) return node.items;
    this.#wrong(node, `${what} must be a list`);
    return [];
  }

  text(node: unknown, what: string): string {
    if (isScalar(node)) return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
    this.#wrong(node, `${what} must be one value`);
    return '';
  }

  shaped(node: unknown, shape: Shape, what: string): unknown {
    if (shape === 'text') return this.text(node, what);
    if (shape === 'texts') return this.list(node, what).map((item) => this.text(item, what));
    if (shape === 'map') {
      if (!isMap(node)) {
        this.#wrong(node, `${what} must be an object of names and values`);
        return {};
      }
      return Object.fromEntries(node.items.map(({ key, value }) => [this.text(key, what), this.text(value, what)]));
    }
    const members = this.object(node, Object.keys(shape), what);
    return Object.fromEntries(
      [...members].map(([key, value]) => [key, this.shaped(value, shape[key] ?? 'text', `${what}.${key}`)]),
    );
  }

  #wrong(node: unknown, problem: string): void {
    this.#problems.push(`${this.lineOf(node)}: ${problem}`);
  }
}
