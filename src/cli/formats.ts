// Resolves the formats of a command and which one `--output` means. Guarantees: loads no format, so help and completion
// can have it.

import { listed } from './collect.ts';
import type { Context } from './context.ts';
import type { AnyCommand, Format } from './define.ts';
import { renderers } from './output/renderer.ts';
import { isList } from './spelling.ts';

export interface ChosenFormat {
  readonly use: Format;
  readonly problem?: string;
}

const everyFormat = (Object.keys(renderers) as Format[]).filter((format) => format !== 'text');

/**
 * Returns what a command says it offers, then what its view can do without being told: yaml beside json, tables of
 * every list.
 */
export function formatsOf(definition: AnyCommand): readonly Format[] {
  const { view } = definition;
  if (view === undefined) return definition.formats ?? [];
  const declared = definition.formats ?? (['table', 'json', 'id'] as const);
  // Such a command treats other words as scripts expect (script-contracts 2, pull-token).
  if (definition.lenientFormat) return declared;
  const more: Format[] = [];
  if (isList(definition)) {
    more.push('json');
    if (view.columns !== undefined) more.push('table', 'wide', 'csv', 'markdown');
    if (view.id !== undefined) more.push('id');
  }
  if (declared.includes('json') || more.includes('json')) more.push('yaml');
  return [...new Set([...declared, ...more])];
}

/**
 * Returns what `--output` takes; `text` is what comes without it. A command without output takes every word and
 * ignores it, as scripts write `--output=none`.
 */
export function acceptedFormats(definition: AnyCommand): readonly Format[] {
  if (definition.view === undefined) return everyFormat;
  return [...formatsOf(definition).filter((format) => format !== 'text' && format !== 'none'), 'none'];
}

const documents: ReadonlySet<string> = new Set(['json', 'yaml']);

export function chooseFormat(definition: AnyCommand, context: Context): ChosenFormat {
  const formats = formatsOf(definition);
  const fallback = formats[0] ?? 'none';
  const { output: wanted, query } = context.globals;
  if (query !== undefined && wanted !== undefined && !documents.has(wanted)) {
    return { use: fallback, problem: '`--query` goes with `--output` json or yaml, or without it' };
  }
  if (query !== undefined && wanted === undefined) return { use: 'json' };
  if (wanted === undefined || wanted === '') return { use: fallback };
  const accepted = acceptedFormats(definition);
  const known = accepted.find((format) => format === wanted);
  if (known !== undefined) return { use: known };
  if (definition.lenientFormat) {
    const offered = (definition.formats ?? []).filter((format) => format !== 'text');
    context.io.warn(`"${wanted}" is not an output format here; use ${listed(offered, 'or')}`);
    return { use: fallback };
  }
  return { use: fallback, problem: `\`--output\` must be one of ${accepted.join(', ')}, not "${wanted}"` };
}
