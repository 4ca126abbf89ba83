// Changes of a configuration file's text. Guarantees: comments and the order of lines survive them.

import type { Document, Scalar } from 'yaml';
import { CliError } from '../errors.ts';
import { propertyOf } from './contexts.ts';
import { collect, corrupt, isEmpty, parse, syntaxProblems, type Yaml } from './document.ts';
import { readPlainYaml } from './plain-yaml.ts';
import { configEntry, isConfigKey } from './schema.ts';

/**
 * One change of a file: a value to store, or undefined to take out what is there. The name is a property's, or leads into a
 * context: `contexts.local.platform.api`.
 */
export type ConfigChange = readonly [name: string, value: string | undefined];

/** The text with some keys changed. `path` is named in errors. Throws kind `local` when the text is not YAML. */
export async function changeConfigText(text: string, changes: readonly ConfigChange[], path: string): Promise<string> {
  // A platform that starts registers itself, and keeps what it has loaded for as long as it runs: most times no parser.
  if (text.trim() === '') {
    const { renderNewFile } = await import('./write-yaml.ts');
    return `${text}${renderNewFile(changes.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])))}`;
  }
  if (isLikeThat(text, changes)) return text;
  const yaml = await import('yaml');
  const document = parse(yaml, text);
  const broken = syntaxProblems(yaml, document, text)[0];
  if (broken !== undefined) throw corrupt(path, broken);
  const stored = collect(yaml, document, text).stored;
  // Writing what is there already would only disturb the layout.
  const real = changes.filter(
    ([name, value]) => value !== stored.get(name) || (value === undefined && document.hasIn(name.split('.'))),
  );
  if (real.length === 0) return text;
  for (const [name, value] of real) {
    const words = name.split('.');
    if (value === undefined) remove(yaml, document, words);
    else store(yaml, document, words, toScalar(yaml, name, value), path);
  }
  const changed = document.toString({
    indent: indentOf(text),
    lineWidth: 0,
    indentSeq: !/^(\s*)\S.*:[ \t]*\n\1- /m.test(text),
  });
  const body =
    yaml.isMap(document.contents) && document.contents.items.length === 0 ? changed.replace(/^\{\}\n/m, '') : changed;
  return text.includes('\r\n') ? body.replaceAll(/\r?\n/g, '\r\n') : body;
}

/** Returns whether a plain text says all of it already. */
function isLikeThat(text: string, changes: readonly ConfigChange[]): boolean {
  const entries = readPlainYaml(text);
  if (entries === undefined) return false;
  const texts = new Map(entries.map(({ name, text: value }) => [name, value] as const));
  return changes.every(([name, value]) => (value === undefined ? !texts.has(name) : texts.get(name) === value));
}

function toScalar(yaml: Yaml, name: string, value: string): Scalar {
  const key = propertyOf(name);
  const kind = isConfigKey(key) ? configEntry(key).kind : 'string';
  if (kind === 'flag') return new yaml.Scalar(value === 'true');
  const scalar = new yaml.Scalar(value);
  if (kind === 'seconds' || value === '') scalar.type = 'QUOTE_DOUBLE';
  else if (kind === 'color' && value.startsWith('#')) scalar.type = 'QUOTE_SINGLE';
  return scalar;
}

function store(yaml: Yaml, document: Document.Parsed, words: readonly string[], scalar: Scalar, path: string): void {
  const before = document.getIn(words, true);
  if (yaml.isScalar(before)) {
    scalar.comment = before.comment ?? null;
    scalar.commentBefore = before.commentBefore ?? null;
  }
  // An empty group ("default:" and nothing below) becomes a map when it gets its first key.
  for (let depth = 1; depth < words.length; depth += 1) {
    const group: unknown = document.getIn(words.slice(0, depth), true);
    if (group !== undefined && isEmpty(yaml, group)) document.setIn(words.slice(0, depth), new yaml.YAMLMap());
    else if (group !== undefined && !yaml.isMap(group)) {
      throw new CliError(
        'local',
        `"${path}" has something other than keys under "${words.slice(0, depth).join('.')}"`,
        {
          code: 'local.corrupt-config',
          hint: 'change it with `chainctl config edit`',
        },
      );
    }
  }
  document.setIn(words, scalar);
}

function remove(yaml: Yaml, document: Document.Parsed, words: readonly string[]): void {
  const group: unknown = document.getIn(words.slice(0, -1), true);
  if (!yaml.isMap(group) || !document.hasIn(words)) return;
  document.deleteIn(words);
  for (let depth = words.length - 1; depth > 0; depth -= 1) {
    const rest: unknown = document.getIn(words.slice(0, depth), true);
    // A comment is a reason to keep an empty group.
    if (!yaml.isMap(rest) || rest.items.length > 0 || rest.comment) return;
    document.deleteIn(words.slice(0, depth));
  }
}

/** Spaces a level is indented by; four, as `config save` writes, when the text has no level. */
function indentOf(text: string): number {
  const found = /^[^\s#][^\n]*:[ \t]*\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*( +)\S/m.exec(text);
  return found?.[1]?.length ?? 4;
}
