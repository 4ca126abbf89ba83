// Configuration files as text. Guarantees: unknown keys, comments and the order of lines survive an edit, and a file that
// is not YAML is never changed.

import type { Document, YAMLMap } from 'yaml';
import { CliError } from '../errors.ts';
import { nearest } from '../suggest.ts';
import { isContextName } from './context-name.ts';
import {
  contextsKey,
  dataDirKey,
  isContextKey,
  production,
  type StoredContext,
  type StoredContexts,
  selectedKey,
} from './contexts.ts';
import { readPlainYaml } from './plain-yaml.ts';
import { type ConfigKey, configEntry, configSchema, isConfigKey, parseValue } from './schema.ts';

export type Yaml = typeof import('yaml');

/** Names that hold further keys: `output`, `output.color` and so on. */
const groups: ReadonlySet<string> = new Set(configSchema.flatMap(({ key }) => prefixesOf(key)));

export interface ConfigProblem {
  /** Counted from 1. */
  readonly line: number;
  /** One sentence that names the key. */
  readonly message: string;
  /** `unknown`: a key that is not declared; it is kept and ignored. */
  readonly kind: 'syntax' | 'value' | 'unknown';
}

export interface ConfigText {
  /** Values that passed their check, by key. */
  readonly values: ReadonlyMap<ConfigKey, string>;
  readonly contexts: StoredContexts;
  /** Values that were dropped. */
  readonly problems: readonly ConfigProblem[];
}

/** Reads a configuration file's text. Throws kind `local` when it is not YAML or not keys and values. */
export async function readConfigText(text: string, path: string): Promise<ConfigText> {
  const plain = readPlain(text);
  if (plain !== undefined) return plain;
  const yaml = await import('yaml');
  const document = parse(yaml, text);
  const broken = syntaxProblems(yaml, document, text)[0];
  if (broken !== undefined) throw corrupt(path, broken);
  const { values, contexts, problems } = collect(yaml, document, text);
  return { values, contexts, problems: problems.filter((problem) => problem.kind === 'value') };
}

/** Returns what a YAML parser would find, where none is needed. */
function readPlain(text: string): ConfigText | undefined {
  const entries = readPlainYaml(text);
  if (entries === undefined) return undefined;
  const values = new Map<ConfigKey, string>();
  const contexts = new ContextCollector();
  const problems: ConfigProblem[] = [];
  for (const { name, text: value, line } of entries) {
    if (contexts.owns(name)) {
      const problem = contexts.add(name, value);
      if (problem !== undefined) problems.push({ line, ...problem });
    } else if (isConfigKey(name)) {
      // Keys below a key that holds a value: the parser finds the words for it.
      if (value === undefined && entries.some((other) => other.name.startsWith(`${name}.`))) return undefined;
      const problem = collectValue(name, value ?? '', values);
      if (problem !== undefined) problems.push({ line, message: problem, kind: 'value' });
    } else if (value !== undefined && groups.has(name)) {
      return undefined;
    }
  }
  return { values, contexts: contexts.done(), problems: problems.filter((problem) => problem.kind === 'value') };
}

/** Takes the part of a file that contexts are in, one name with its text after the other. */
class ContextCollector {
  readonly #all = new Map<string, { values: Map<ConfigKey, string>; dataDir?: string }>();
  #selected: string | undefined;

  owns(name: string): boolean {
    return name === selectedKey || name === contextsKey || name.startsWith(`${contextsKey}.`);
  }

  /** Returns what is wrong. A name without text is a group. */
  add(name: string, text: string | undefined): Pick<ConfigProblem, 'kind' | 'message'> | undefined {
    if (name === selectedKey) {
      if (text) this.#selected = text;
      return undefined;
    }
    const [, context, ...words] = name.split('.');
    if (context === undefined) {
      return text === undefined ? undefined : { kind: 'value', message: `${contextsKey} must hold names of contexts` };
    }
    if (!isContextName(context)) {
      return { kind: 'value', message: `"${context}" cannot be the name of a context, so it is ignored` };
    }
    const stored: { values: Map<ConfigKey, string>; dataDir?: string } = this.#all.get(context) ?? {
      values: new Map(),
    };
    this.#all.set(context, stored);
    const key = words.join('.');
    if (text === undefined) return undefined;
    if (key === dataDirKey) {
      stored.dataDir = text;
      return undefined;
    }
    if (!isContextKey(key)) return { kind: 'unknown', message: `${name} is not a property a context can have` };
    if (context === production && key.startsWith('platform.')) {
      return { kind: 'value', message: `${name} is ignored: the addresses of ${production} are fixed` };
    }
    const problem = collectValue(key, text, stored.values);
    return problem === undefined ? undefined : { kind: 'value', message: `${contextsKey}.${context}.${problem}` };
  }

  done(): StoredContexts {
    const all: ReadonlyMap<string, StoredContext> = this.#all;
    return { selected: this.#selected, all };
  }
}

/** Everything wrong with a text, in the order of its lines; empty when it is a good configuration. */
export async function checkConfigText(text: string): Promise<ConfigProblem[]> {
  const yaml = await import('yaml');
  const document = parse(yaml, text);
  const broken = syntaxProblems(yaml, document, text);
  if (broken.length > 0) return broken;
  return collect(yaml, document, text).problems.toSorted((a, b) => a.line - b.line);
}

export function parse(yaml: Yaml, text: string): Document.Parsed {
  return yaml.parseDocument(text, { prettyErrors: false, logLevel: 'silent' });
}

export function syntaxProblems(yaml: Yaml, document: Document.Parsed, text: string): ConfigProblem[] {
  const problems = document.errors.map(
    (error): ConfigProblem => ({
      line: lineOf(text, error.pos[0]),
      message: (error.message.split('\n')[0] ?? error.code).replace(/[.:]$/, ''),
      kind: 'syntax',
    }),
  );
  const top = document.contents;
  if (problems.length === 0 && !yaml.isMap(top) && !isEmpty(yaml, top)) {
    problems.push({ line: lineOf(text, top?.range?.[0] ?? 0), message: 'expected keys and values', kind: 'syntax' });
  }
  return problems;
}

export function isEmpty(yaml: Yaml, node: unknown): boolean {
  return node === null || node === undefined || (yaml.isScalar(node) && node.value === null);
}

export function corrupt(path: string, problem: ConfigProblem): CliError {
  return new CliError('local', `"${path}" is not valid YAML: line ${problem.line}: ${problem.message}`, {
    code: 'local.corrupt-config',
    // Not `config reset`, which leaves a file that was named alone.
    hint: 'repair it with `chainctl config edit`, or move it away',
  });
}

export function collect(
  yaml: Yaml,
  document: Document.Parsed,
  source: string,
): {
  values: Map<ConfigKey, string>;
  contexts: StoredContexts;
  /** Every good value by its whole name, those of contexts included. */
  stored: ReadonlyMap<string, string>;
  problems: ConfigProblem[];
} {
  const values = new Map<ConfigKey, string>();
  const stored = new Map<string, string>();
  const collector = new ContextCollector();
  const problems: ConfigProblem[] = [];
  const visitContext = (node: unknown, name: string, line: number): void => {
    const value = yaml.isAlias(node) ? node.resolve(document) : node;
    const isGroup = yaml.isMap(value);
    const text = isGroup || isEmpty(yaml, value) ? undefined : (textOf(yaml, value) ?? '');
    const problem = collector.add(name, text);
    if (problem !== undefined) problems.push({ line, ...problem });
    else if (text !== undefined) stored.set(name, text);
    if (!isGroup || name === selectedKey) return;
    for (const pair of value.items) {
      const word = yaml.isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
      visitContext(pair.value, `${name}.${word}`, lineOf(source, startOf(yaml, pair.key)));
    }
  };
  const visit = (map: YAMLMap, prefix: string): void => {
    for (const pair of map.items) {
      const name = prefix + (yaml.isScalar(pair.key) ? String(pair.key.value) : String(pair.key));
      const line = lineOf(source, startOf(yaml, pair.key));
      const value = yaml.isAlias(pair.value) ? pair.value.resolve(document) : pair.value;
      if (collector.owns(name)) {
        visitContext(value, name, line);
      } else if (isConfigKey(name)) {
        const problem = collectValue(name, isEmpty(yaml, value) ? '' : textOf(yaml, value), values);
        if (problem !== undefined) problems.push({ line, message: problem, kind: 'value' });
      } else if (groups.has(name) && (yaml.isMap(value) || isEmpty(yaml, value))) {
        if (yaml.isMap(value)) visit(value, `${name}.`);
      } else if (groups.has(name)) {
        problems.push({ line, message: `${name} must hold keys and values`, kind: 'value' });
      } else {
        problems.push({ line, message: unknownKeyMessage(name), kind: 'unknown' });
      }
    }
  };
  if (yaml.isMap(document.contents)) visit(document.contents, '');
  for (const [key, value] of values) stored.set(key, value);
  return { values, contexts: collector.done(), stored, problems };
}

function collectValue(key: ConfigKey, text: string | undefined, values: Map<ConfigKey, string>): string | undefined {
  const fallBack = configEntry(key).default;
  // `config save` writes keys without a value as "": for kinds that cannot be empty this means the default.
  if (text === '' && fallBack !== '') return undefined;
  const parsed = text === undefined ? undefined : parseValue(key, text);
  if (parsed?.ok) {
    values.set(key, parsed.value);
    return undefined;
  }
  const expected = parsed === undefined ? 'one value' : parsed.expected;
  return `${key} must be ${expected}, so ${fallBack === '' ? 'it is ignored' : `the default "${fallBack}" applies`}`;
}

function textOf(yaml: Yaml, node: unknown): string | undefined {
  if (!yaml.isScalar(node)) return undefined;
  // An id of forty digits must not pass through a number.
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

function startOf(yaml: Yaml, node: unknown): number {
  return yaml.isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

function prefixesOf(key: string): string[] {
  const words = key.split('.');
  return words.slice(1).map((_, index) => words.slice(0, index + 1).join('.'));
}

/** The key of that name. Throws kind `usage`, naming the nearest ones, when none is declared. */
export function requireConfigKey(name: string): ConfigKey {
  if (isConfigKey(name)) return name;
  const all = configSchema.map((entry) => entry.key);
  const below = all.filter((key) => key.startsWith(`${name}.`));
  const near = below.length > 0 ? below : nearKeys(name);
  throw new CliError('usage', `"${name}" is not a valid property name`, {
    code: 'usage.unknown-property',
    hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : 'see the names with `chainctl config view`',
  });
}

function unknownKeyMessage(name: string): string {
  const near = nearKeys(name)[0];
  return `${name} is not a property chainctl knows${near === undefined ? '' : `; did you mean ${near}?`}`;
}

function nearKeys(name: string): ConfigKey[] {
  const lower = name.toLowerCase().replaceAll('_', '-');
  const all = configSchema.map((entry) => entry.key);
  const lastWord = lower.slice(lower.lastIndexOf('.') + 1);
  const sameEnd = all.filter((key) => key.endsWith(`.${lastWord}`));
  if (sameEnd.length > 0) return sameEnd;
  const near = nearest(lower, all) ?? all.find((key) => key.endsWith(`.${nearest(lastWord, all.map(lastOf)) ?? ' '}`));
  return all.filter((key) => key === near);
}

const lastOf = (key: string) => key.slice(key.lastIndexOf('.') + 1);
