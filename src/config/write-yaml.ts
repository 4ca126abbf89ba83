// Writes configuration as YAML text without a parser. Guarantees: what it writes, YAML reads back as the same text.

import { propertyOf } from './contexts.ts';
import { configEntry, isConfigKey } from './schema.ts';

export const indent = (depth: number) => '    '.repeat(depth);

/** A new file's text with these values, by names such as `platform.api`; in the order given. */
export function renderNewFile(values: readonly (readonly [name: string, value: string])[]): string {
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const [name, value] of values) {
    const words = name.split('.');
    let depth = 0;
    while (depth < words.length - 1 && words[depth] === open[depth]) depth += 1;
    for (; depth < words.length - 1; depth += 1) lines.push(`${indent(depth)}${words[depth]}:`);
    open = words.slice(0, -1);
    lines.push(`${indent(words.length - 1)}${words.at(-1)}: ${toYamlScalar(name, value)}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** The name may lead into a context, as `contexts.local.platform.api` does. */
export function toYamlScalar(name: string, value: string): string {
  const key = propertyOf(name);
  const kind = isConfigKey(key) ? configEntry(key).kind : 'string';
  if (kind === 'flag') return value;
  if (kind === 'color' && value.startsWith('#')) return `'${value}'`;
  // Plain only where no reader of YAML can take it for anything but text; JSON's strings are YAML's.
  const plain =
    kind !== 'seconds' &&
    /^[A-Za-z/](?:[\w./:@+-]*[\w/])?$/.test(value) &&
    !/^(?:true|false|y|n|yes|no|on|off|null)$/i.test(value);
  const duration = kind === 'duration' && /^[\w.]+$/.test(value);
  return plain || duration ? value : JSON.stringify(value);
}
