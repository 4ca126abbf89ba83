// Help, written from definitions alone. Guarantees: usage lines and flag tables are never typed by hand, and parent help
// loads no command.

import type { Host } from '../host.ts';
import type { AnyCommand, IndexNode, Input, Inputs } from './define.ts';
import { formatsOf } from './formats.ts';
import { answerFlags, listFlags } from './globals.ts';
import { allInputs, commandName, flagOf, isList, kebab } from './spelling.ts';

const margin = '  ';

/** Rows of a terminal that nobody made larger. */
const screen = 24;

/** How much of a page is told. */
interface Detail {
  readonly examples: number;
  /** The first sentence of the description, and of what each flag does. */
  readonly firstSentences: { readonly description: boolean; readonly flags: boolean };
}

/** Each shorter than the one before: a page that nearly fits a screen is made to. */
const details: readonly Detail[] = [
  { examples: 3, firstSentences: { description: false, flags: false } },
  { examples: 2, firstSentences: { description: true, flags: false } },
  { examples: 1, firstSentences: { description: true, flags: true } },
];

/** `children`: of a command that is a group as well. */
export function commandHelp(definition: AnyCommand, host: Host, children: readonly IndexNode[] = []): string {
  const pages = details.map((detail) => page(definition, helpWidth(host), children, detail));
  return pages.find((text) => text.split('\n').length <= screen + 1) ?? pages[0] ?? '';
}

function page(definition: AnyCommand, width: number, children: readonly IndexNode[], detail: Detail): string {
  const { own, global } = allInputs(definition);
  const groups = flagGroups(own, definition, detail);
  const { summary, description = '' } = definition;
  const told = detail.firstSentences.description ? firstSentence(description) : description;
  const sections = [
    wrap([summary, ...(told === '' ? [] : [told])].join('\n'), '', width),
    definition.deprecated ? wrap(`Deprecated: ${definition.deprecated}`, '', width) : '',
    usageLine(definition, width),
    examples(definition, width, detail),
    section('Arguments', argumentRows(own, detail), width),
    section('Commands', childRows(children), width),
    section('Required', groups.required, width),
    section(isList(definition) ? 'Filters' : 'Optional', groups.optional, width),
    outputSection(definition, global, width),
  ];
  return `${joined(sections)}\n`;
}

/** Up to the first full stop that ends one: `e.g. ` and the like are none. */
const firstSentence = (text: string): string => /^[\s\S]*?[^.\s]{3}[.](?=\s|$)/.exec(text)?.[0] ?? text;

export function groupHelp(path: readonly string[], node: IndexNode, host: Host): string {
  const width = helpWidth(host);
  const name = commandName({ path });
  const isRoot = path.length === 0;
  const sections = [
    wrap(node.summary, '', width),
    node.description ? wrap(node.description, '', width) : '',
    wrap(`Usage: ${name} COMMAND${also(node.aliases)}`, '', width),
    isRoot ? rootExamples : '',
    section('Commands', childRows(node.children ?? []), width),
    isRoot
      ? wrap(
          'More: `chainctl COMMAND --help`, `chainctl help flags|output|environment|exit-codes|contexts`, ' +
            'and the folder docs of the package',
          '',
          width,
        )
      : wrap(`More: \`${name} COMMAND --help\`, \`chainctl help flags\``, '', width),
  ];
  return `${joined(sections)}\n`;
}

/** The flags that every command has, for `chainctl help flags`. */
export function globalFlagsHelp(host: Host): string {
  return section('Flags of every command', flagRows(allInputs().global), helpWidth(host));
}

/** Pages that fit a window keep a blank line between their parts. */
const joined = (sections: readonly string[]) => sections.filter((part) => part !== '').join('\n\n');

const rootExamples = [
  'Examples:',
  '  chainctl auth login                       # sign in',
  '  chainctl auth configure-docker            # let Docker pull with your login',
  '  chainctl local start                      # a platform of your own, without an account',
].join('\n');

const childRows = (children: readonly IndexNode[]) =>
  children.filter((child) => !child.hidden).map((child) => [child.name, child.summary] as const);

// A page wider than 100 columns is hard to read; narrower than 40 leaves no room for two columns.
const helpWidth = (host: Host) => Math.max(40, Math.min(100, host.stdout.columns));

/** Other spellings of the last word. */
const also = (aliases: readonly string[] = []) => (aliases.length === 0 ? '' : ` (also: ${aliases.join(', ')})`);

/** Returns the usage, wrapped at `width` columns. */
export function usageLine(definition: AnyCommand, width: number): string {
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
  words.push(
    ...also(definition.aliases)
      .split(' ')
      .filter((word) => word !== ''),
  );
  return wrapWords(['Usage:', commandName(definition), ...words], '', `${margin}${margin}${margin}`, width);
}

/**
 * One line each, with what it does where there is room for it. What is there to be copied is never broken.
 */
function examples(definition: AnyCommand, width: number, { examples: most }: Detail): string {
  if (definition.examples.length === 0) return '';
  const lines = definition.examples.map(({ args, text }) => ({
    command: `${margin}${commandName(definition)} ${args}`.trimEnd(),
    text,
  }));
  const withText = ({ command, text }: (typeof lines)[number]) => `${command}  # ${text}`;
  const parts = lines.slice(0, most).map((line) => {
    return withText(line).length <= width ? withText(line) : line.command;
  });
  return `Examples:\n${parts.join('\n')}`;
}

const argumentRows = (inputs: Inputs, { firstSentences }: Detail) =>
  Object.values(inputs)
    .filter((input) => input.positional !== undefined && !input.hidden)
    .map((input) => [input.positional ?? '', firstSentences.flags ? firstSentence(input.help) : input.help] as const);

type Row = readonly [name: string, text: string];

function flagGroups(own: Inputs, definition: AnyCommand, detail: Detail): { required: Row[]; optional: Row[] } {
  // A place that may also be given as a flag was told of as a place.
  const isRequired = (input: Input) => input.required === true && input.positional === undefined;
  const pick = (wanted: boolean) =>
    flagRows(
      Object.fromEntries(
        Object.entries(own).filter(([, input]) => input.positional === undefined && isRequired(input) === wanted),
      ),
      definition,
      detail,
    );
  return { required: pick(true), optional: pick(false) };
}

/** The formats with the default first, and where the rest is told: it is the same for every command. */
function outputSection(definition: AnyCommand, global: Inputs, width: number): string {
  const more = Object.keys(global).filter(
    (key) => key !== 'csvRaw' && (listFlags.includes(key) || answerFlags.includes(key)),
  );
  const names = more.map((key) => `--${kebab(key)}`).join(', ');
  const formats = definition.view === undefined ? [] : formatsOf(definition).filter((format) => format !== 'none');
  const offered = formats.filter((format) => format !== 'text');
  const told = names === '' ? '' : ` (${names})`;
  const lines = [
    global['output'] !== undefined && offered.length > 0
      ? wrapWords(['Output: -o', ...offered.join(', ').split(' ')], '', margin, width)
      : '',
    wrap(
      names === '' ? 'More: `chainctl help flags`' : `More: \`chainctl help output\`${told}, \`chainctl help flags\``,
      '',
      width,
    ),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function flagRows(inputs: Inputs, definition?: AnyCommand, detail?: Detail): Row[] {
  return (
    Object.entries(inputs)
      .filter(([key, input]) => !input.hidden && flagOf(key, input) !== undefined)
      .map(([key, input]) => [flagSpelling(key, input), flagHelp(key, input, definition, detail)] as const)
      // By code point: flags are ASCII, and the first use of a collator loads 10 ms of Unicode data.
      .sort(([a], [b]) => (sortKey(a) < sortKey(b) ? -1 : 1))
  );
}

/** Characters; a longer one stands in the text. */
const longestMetavar = 20;

const sortKey = (spelling: string) => spelling.replace(/^\s*(-\w, )?--/, '');

function flagSpelling(key: string, input: Input): string {
  const short = input.short === undefined ? '    ' : `-${input.short}, `;
  const { metavar, choices } = input.kind;
  const value = input.kind.boolean
    ? ''
    : ` ${choices !== undefined && metavar.length > longestMetavar ? 'WORD' : metavar}`;
  return `${short}--${flagOf(key, input)}${value}`;
}

function flagHelp(key: string, input: Input, definition?: AnyCommand, detail?: Detail): string {
  const help = detail?.firstSentences.flags ? firstSentence(input.help) : input.help;
  const notes: string[] = [];
  if (input.many) notes.push(input.kind.splitsCommas ? 'comma list or repeated' : 'may be repeated');
  if (input.default !== undefined && input.default !== 'false' && !input.kind.boolean)
    notes.push(`default ${input.default}`);
  // The property of nearly every command is told once, in `chainctl help environment`.
  if (input.config !== undefined && input.config !== 'default.group' && key !== 'logLevel' && !(key in globalNotes))
    notes.push(`config ${input.config}`);
  const choices = input.kind.choices;
  // In the place of the metavar they would push the text of every flag to the right.
  const choicesTold =
    definition !== undefined &&
    choices !== undefined &&
    choices.join('|').length > longestMetavar &&
    !help.includes(choices.at(-1) ?? '')
      ? ` One of ${choices.join(', ')}.`
      : '';
  return `${help}${choicesTold}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`;
}

/** Globals whose configuration property is told once, in the documentation of the configuration. */
const globalNotes: Readonly<Record<string, true>> = { api: true, audience: true, console: true, issuer: true };

function section(title: string, rows: readonly (readonly [string, string])[], width: number): string {
  if (rows.length === 0) return '';
  const left = Math.min(34, Math.floor(width * 0.43), Math.max(...rows.map(([name]) => name.length)));
  const lines = rows.map(([name, text]) => {
    const indent = ' '.repeat(margin.length + left + 2);
    const body = wrap(text, indent, width).slice(indent.length);
    // A name that does not fit beside its text stands on a line of its own.
    return name.length > left ? `${margin}${name}\n${indent}${body}` : `${margin}${name.padEnd(left)}  ${body}`;
  });
  return `${title}:\n${lines.join('\n')}`;
}

function wrap(text: string, indent: string, width: number): string {
  return text
    .split('\n')
    .map((paragraph) => wrapWords(paragraph.split(outsideBackticks), indent, indent, width))
    .join('\n');
}

/** Blanks where a line may end: a command is there to be copied, so it stays on one. */
const outsideBackticks = / (?=(?:[^`]*`[^`]*`)*[^`]*$)/;

function wrapWords(words: readonly string[], first: string, rest: string, width: number): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of words) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = rest;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join('\n').trimEnd();
}
