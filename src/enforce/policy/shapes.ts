// Reads YAML against a description of its fields. Guarantees: a field that nobody knows, and a value of another type, is a
// sentence with its line; typographic quotes around a text are read as plain ones and told (enforce.md 3, trap 1).

import { type Alias, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml';
import { PolicyError } from './types.ts';

export type Shape =
  | { readonly type: 'text' | 'boolean' | 'texts' | 'anything' }
  | { readonly type: 'list'; readonly of: Shape }
  | { readonly type: 'object'; readonly fields: Readonly<Record<string, Shape>> };

export const text: Shape = { type: 'text' };
export const boolean: Shape = { type: 'boolean' };
/** An object whose values are texts. */
export const texts: Shape = { type: 'texts' };
export const anything: Shape = { type: 'anything' };
export const list = (of: Shape): Shape => ({ type: 'list', of });
export const object = (fields: Readonly<Record<string, Shape>>): Shape => ({ type: 'object', fields });

export interface Reader {
  readonly lines: LineCounter;
  readonly warnings: string[];
  /** Returns what stands behind an alias. */
  resolve(alias: Alias): unknown;
  /** Values that may still be read: an alias can stand for many. */
  left: number;
}

/** Fields of a checked object; values have the types of its shape. */
export type Fields = Readonly<Record<string, unknown>>;

/** Lines by path, e.g. `spec.images[0].glob`, for what is checked later. */
export type Lines = Map<string, number>;

/** Throws PolicyError. */
export function read(reader: Reader, node: unknown, shape: Shape, path: string, lines: Lines): unknown {
  reader.left -= 1;
  if (reader.left < 0) throw new PolicyError('the document holds too many values');
  const here = lineOf(reader, node);
  if (here !== undefined) lines.set(path, here);
  const target = isAlias(node) ? reader.resolve(node) : node;
  const expected = (what: string): PolicyError => problem(lines, path, `${path || 'the document'} must be ${what}`);
  switch (shape.type) {
    case 'anything':
      return plain(target, 0);
    case 'text':
      if (!isScalar(target) || typeof target.value !== 'string') throw expected('text');
      return unquoted(reader, target.value, path, lines);
    case 'boolean':
      if (!isScalar(target) || typeof target.value !== 'boolean') throw expected('true or false');
      return target.value;
    case 'texts':
      return readObject(reader, target, path, lines, expected, () => text);
    case 'list':
      if (!isSeq(target)) throw expected('a list');
      return target.items.map((item, at) => read(reader, item, shape.of, `${path}[${at}]`, lines));
    case 'object':
      return readObject(reader, target, path, lines, expected, (key) => {
        const known = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
        if (known !== undefined) return known;
        const names = Object.keys(shape.fields).join(', ');
        throw problem(lines, join(path, key), `"${join(path, key)}" is not a field; there is ${names}`);
      });
  }
}

function readObject(
  reader: Reader,
  target: unknown,
  path: string,
  lines: Lines,
  expected: (what: string) => PolicyError,
  shapeOf: (key: string) => Shape,
): Fields {
  if (!isMap(target)) throw expected('an object with fields');
  const found: Record<string, unknown> = {};
  for (const { key, value } of target.items as Pair<Node, Node | null>[]) {
    const name = isScalar(key) ? String(key.value) : '';
    const line = lineOf(reader, key);
    if (line !== undefined) lines.set(join(path, name), line);
    const shape = shapeOf(name);
    // Kubernetes reads a field without a value as one that is not there.
    if (value === null || (isScalar(value) && value.value === null)) continue;
    found[name] = read(reader, value, shape, join(path, name), lines);
  }
  return found;
}

/** The nearest line known of a path or of what holds it. */
export function problem(lines: Lines, path: string, message: string): PolicyError {
  for (let at = path; ; at = at.replace(/(?:\.|^)[^.[\]]*$|\[[0-9]+\]$/, '')) {
    const line = lines.get(at);
    if (line !== undefined) return new PolicyError(`line ${line}: ${message}`);
    if (at === '') return new PolicyError(message);
  }
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

function lineOf({ lines }: Reader, node: unknown): number | undefined {
  const start = (node as Node | undefined)?.range?.[0];
  return start === undefined ? undefined : lines.linePos(start).line;
}

function unquoted(reader: Reader, value: string, path: string, lines: Lines): string {
  const [, inner] = /^[“”„‟«‘’‚‛](.*)[“”‟»‘’‛]$/su.exec(value) ?? [];
  if (inner === undefined) return value;
  const line = lines.get(path);
  reader.warnings.push(
    `${line === undefined ? '' : `line ${line}: `}${path} is in typographic quotes, which YAML takes as part of the text; read as ${JSON.stringify(inner)}`,
  );
  return inner;
}

function plain(node: unknown, depth: number): unknown {
  if (depth > 50) throw new PolicyError('the document is nested too deep');
  if (isScalar(node)) return node.value;
  if (isSeq(node)) return node.items.map((item) => plain(item, depth + 1));
  if (isMap(node)) {
    return Object.fromEntries(
      (node.items as Pair<Node, Node>[]).map(({ key, value }) => [
        isScalar(key) ? String(key.value) : '',
        plain(value, depth + 1),
      ]),
    );
  }
  return null;
}
