// The flags every command takes, and how they reach the context.

import type { Globals } from './context.ts';
import type { Input } from './define.ts';
import { contextName } from './inputs/context-name.ts';
import { isTrue } from './inputs/is-true.ts';
import { boolean, integer, named } from './inputs/values.ts';

const query = { ...named('EXPRESSION'), parse: notBlank };

function notBlank(text: string): string {
  if (text.trim() === '') throw new Error('must be a JMESPath expression such as "items[].name"');
  return text;
}

export const globalInputs = {
  api: { kind: named('URL'), help: 'Address of the platform API.', config: 'platform.api' },
  audience: { kind: named('AUDIENCE'), help: 'Audience of the token to use.', config: 'platform.audience' },
  config: { kind: named('FILE'), help: 'Configuration file to use instead of the usual ones (env CHAINCTL_CONFIG).' },
  console: { kind: named('URL'), help: 'Address of the web console.', config: 'platform.console' },
  context: { kind: contextName, help: 'Context to act in, instead of the selected one (env CHAINCTL_CONTEXT).' },
  forceColor: { kind: boolean, help: 'Color the output even when it is not a terminal.' },
  help: { kind: boolean, short: 'h', help: 'Show this help.' },
  issuer: { kind: named('URL'), help: 'Address of the token issuer.', config: 'platform.issuer' },
  logLevel: {
    kind: named('LEVEL'),
    help: 'How much to log: error, info or debug.',
    config: 'default.log-level',
  },
  needs: {
    kind: boolean,
    help: 'Only say which capabilities this would use, and where: nothing is asked, sent or changed.',
  },
  output: { kind: named('FORMAT'), short: 'o', help: 'Output format.' },
  csvRaw: {
    kind: boolean,
    help: 'With csv: cells that a spreadsheet would run as a formula stay as they are.',
  },
  limit: { kind: integer, help: 'List at most this many.' },
  query: { kind: query, help: 'Only this of the JSON, as a JMESPath expression.' },
  sortBy: { kind: named('COLUMN'), help: 'Sort a list by this column or JSON field; `-COLUMN` is descending.' },
  v: { kind: integer, short: 'v', help: 'Log verbosity; 2 and more is --log-level debug.' },
} satisfies Record<string, Input>;

/** Global flags of commands that list things, and of those that answer with something. */
export const listFlags: readonly string[] = ['csvRaw', 'limit', 'sortBy'];
export const answerFlags: readonly string[] = ['query'];

/**
 * Turns the raw texts of the global flags, last one given, into what a context is made from. A text that does not fit
 * counts as not given here: `collect` tells about it.
 */
export function toGlobals(raw: Readonly<Partial<Record<string, string>>>, assumeYes: boolean): Globals {
  const overrides: Record<string, string> = {};
  for (const [key, input] of Object.entries(globalInputs)) {
    const value = raw[key];
    if ('config' in input && value !== undefined) overrides[input.config] = value;
  }
  return {
    config: raw['config'] || undefined,
    context: raw['context'] || undefined,
    output: raw['output'],
    forceColor: isTrue(raw['forceColor']),
    needs: isTrue(raw['needs']),
    sortBy: raw['sortBy'] || undefined,
    limit: /^\d{1,9}$/.test(raw['limit'] ?? '') ? Number(raw['limit']) : undefined,
    query: raw['query'] || undefined,
    csvRaw: isTrue(raw['csvRaw']),
    assumeYes,
    debug: Number(raw['v'] ?? 0) >= 2 || raw['logLevel']?.toLowerCase() === 'debug',
    overrides,
  };
}
