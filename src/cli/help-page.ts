// Builds the help of a command from its definition. Guarantees: usage lines and flag tables are never typed by hand.
// Builds carry what this makes of every command (`help.gen.ts`); from source it is made when it is asked for.

import type { AnyCommand, Input, Inputs } from './define.ts';
import { formatsOf } from './formats.ts';
import { answerFlags, listFlags } from './globals.ts';
import { also, firstSentence, maxExamples } from './help.ts';
import type { HelpPage, HelpRow } from './help-data.ts';
import { allInputs, commandName, flagOf, isList, kebab } from './spelling.ts';

export function helpPage(definition: AnyCommand): HelpPage {
  const { own, global } = allInputs(definition);
  const flags = Object.entries(own).filter(([, input]) => input.positional === undefined);
  const rows = (wanted: boolean) =>
    flagRows(Object.fromEntries(flags.filter(([, input]) => (input.required === true) === wanted)), definition);
  const { description, deprecated, view } = definition;
  const formats = view === undefined || global['output'] === undefined ? [] : formatsOf(definition);
  return {
    name: commandName(definition),
    summary: definition.summary,
    ...(description === undefined ? {} : { description }),
    ...(deprecated === undefined ? {} : { deprecated }),
    usage: usage(definition),
    examples: definition.examples.slice(0, maxExamples).map(({ args, text }) => [args, text] as const),
    places: placeRows(own),
    required: rows(true),
    optional: rows(false),
    ...(isList(definition) ? { filters: true } : {}),
    formats: formats.filter((format) => format !== 'none' && format !== 'text'),
    answerFlags: Object.keys(global)
      .filter((key) => key !== 'csvRaw' && (listFlags.includes(key) || answerFlags.includes(key)))
      .map((key) => `--${kebab(key)}`),
  };
}

function usage(definition: AnyCommand): string[] {
  const words: string[] = [];
  const inputs = Object.entries(definition.inputs).filter(([, input]) => !input.hidden);
  // Places first, as people type them; the order of declaration is the order of asking.
  for (const [, { positional, many, required }] of inputs) {
    if (positional === undefined) continue;
    const word = `${positional}${many ? '...' : ''}`;
    words.push(required ? word : `[${word}]`);
  }
  for (const [key, input] of inputs) {
    if (input.positional !== undefined || !input.required || input.config !== undefined) continue;
    words.push(
      `--${flagOf(key, input)}${input.kind.boolean ? '' : `=${input.kind.metavar}`}${input.many ? '...' : ''}`,
    );
  }
  if (inputs.some(([, input]) => input.positional === undefined)) words.push('[flags]');
  return [...words, ...also(definition.aliases).split(' ')].filter((word) => word !== '');
}

const placeRows = (inputs: Inputs): HelpRow[] =>
  Object.values(inputs)
    .filter((input) => input.positional !== undefined && !input.hidden)
    .map((input) => row(input.positional ?? '', input.help, firstSentence(input.help)));

const row = (name: string, text: string, brief: string): HelpRow =>
  brief === text ? [name, text] : [name, text, brief];

export function flagRows(inputs: Inputs, definition?: AnyCommand): HelpRow[] {
  return (
    Object.entries(inputs)
      .filter(([key, input]) => !input.hidden && flagOf(key, input) !== undefined)
      .map(([key, input]) => {
        const withNotes = (help: string) => `${help}${notes(key, input, help, definition)}`;
        return row(flagSpelling(key, input), withNotes(input.help), withNotes(firstSentence(input.help)));
      })
      // By code point: flags are ASCII, and the first use of a collator loads 10 ms of Unicode data.
      .sort(([a], [b]) => (sortKey(a) < sortKey(b) ? -1 : 1))
  );
}

/** Characters; a longer one stands in the text. */
const maxMetavarWidth = 20;

const sortKey = (spelling: string) => spelling.replace(/^\s*(-\w, )?--/, '');

function flagSpelling(key: string, input: Input): string {
  const short = input.short === undefined ? '    ' : `-${input.short}, `;
  const { metavar, choices } = input.kind;
  const value = input.kind.boolean
    ? ''
    : ` ${choices !== undefined && metavar.length > maxMetavarWidth ? 'WORD' : metavar}`;
  return `${short}--${flagOf(key, input)}${value}`;
}

/** Returns what stands behind the text of a flag. */
function notes(key: string, input: Input, help: string, definition: AnyCommand | undefined): string {
  const parts: string[] = [];
  if (input.many) parts.push(input.kind.splitsCommas ? 'comma list or repeated' : 'may be repeated');
  if (input.default !== undefined && input.default !== 'false' && !input.kind.boolean)
    parts.push(`default ${input.default}`);
  // The property of nearly every command is told once, in `chainctl help environment`.
  if (input.config !== undefined && input.config !== 'default.group' && key !== 'logLevel' && !(key in globalNotes))
    parts.push(`config ${input.config}`);
  const choices = input.kind.choices;
  // In the place of the metavar they would push the text of every flag to the right.
  const choiceList =
    definition !== undefined &&
    choices !== undefined &&
    choices.join('|').length > maxMetavarWidth &&
    !help.includes(choices.at(-1) ?? '')
      ? ` One of ${choices.join(', ')}.`
      : '';
  return `${choiceList}${parts.length > 0 ? ` (${parts.join('; ')})` : ''}`;
}

/** Globals whose configuration property is told once, in the documentation of the configuration. */
const globalNotes: Readonly<Record<string, true>> = { api: true, audience: true, console: true, issuer: true };
