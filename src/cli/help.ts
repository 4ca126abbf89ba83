// Help, written from definitions alone. Promises: usage lines and flag tables are never typed by hand, and parent help
// loads no command.

import type { Host } from '../host.ts';
import type { AnyCommand, IndexNode, Input, Inputs } from './define.ts';
import { allInputs, commandName, flagOf } from './spelling.ts';

const margin = '  ';

/** `children`: of a command that is a group as well. */
export function commandHelp(definition: AnyCommand, host: Host, children: readonly IndexNode[] = []): string {
  const width = helpWidth(host);
  const { own, global } = allInputs(definition);
  const sections = [
    wrap(definition.summary, '', width),
    definition.description ? wrap(definition.description, '', width) : '',
    definition.deprecated ? wrap(`Deprecated: ${definition.deprecated}`, '', width) : '',
    `Usage:\n${usageLine(definition, width)}`,
    aliasSection(definition.path.at(-1) ?? '', definition.aliases, width),
    examples(definition, width),
    argumentSection(own, width),
    section('Commands', childRows(children), width),
    section('Flags', flagRows(own, definition), width),
    section('Global flags', flagRows(global, definition), width),
  ];
  return `${sections.filter((part) => part !== '').join('\n\n')}\n`;
}

export function groupHelp(path: readonly string[], node: IndexNode, host: Host): string {
  const width = helpWidth(host);
  const name = commandName({ path });
  const sections = [
    wrap(node.summary, '', width),
    node.description ? wrap(node.description, '', width) : '',
    `Usage:\n${margin}${name} [command]`,
    aliasSection(node.name, node.aliases, width),
    section('Commands', childRows(node.children ?? []), width),
    section('Global flags', flagRows(allInputs().global, undefined), width),
    wrap(`Use "${name} [command] --help" to learn more about a command.`, '', width),
  ];
  return `${sections.filter((part) => part !== '').join('\n\n')}\n`;
}

const childRows = (children: readonly IndexNode[]) =>
  children.filter((child) => !child.hidden).map((child) => [child.name, child.summary] as const);

// A page wider than 100 columns is hard to read; narrower than 40 leaves no room for two columns.
const helpWidth = (host: Host) => Math.max(40, Math.min(100, host.stdout.columns));

/** Returns the usage, wrapped at `width` columns, each line indented. */
export function usageLine(definition: AnyCommand, width: number): string {
  const words: string[] = [];
  // Places first, as people type them; the order of declaration is the order of asking.
  const inputs = Object.entries(definition.inputs).sort(
    ([, a], [, b]) => Number(b.positional !== undefined) - Number(a.positional !== undefined),
  );
  for (const [key, input] of inputs) {
    if (input.hidden) continue;
    const flag = flagOf(key, input);
    let word: string;
    if (input.positional !== undefined) word = `${input.positional}${input.many ? '...' : ''}`;
    else if (input.kind.boolean) word = `--${flag}`;
    else word = `--${flag}=${input.kind.metavar}${input.many ? '...' : ''}`;
    words.push(input.required ? word : `[${word}]`);
  }
  const formats = definition.formats?.filter((format) => format !== 'text') ?? [];
  if (formats.length > 0) words.push(`[--output=${formats.join('|')}]`);
  return wrapWords([commandName(definition), ...words], margin, `${margin}${margin}${margin}`, width);
}

function examples(definition: AnyCommand, width: number): string {
  if (definition.examples.length === 0) return '';
  const parts = definition.examples.map((example) => {
    const command = `${commandName(definition)} ${example.args}`.trimEnd();
    return `${wrap(`# ${example.text}`, margin, width)}\n${margin}${command}`;
  });
  return `Examples:\n${parts.join('\n\n')}`;
}

const aliasSection = (name: string, aliases: readonly string[] | undefined, width: number) =>
  aliases?.length ? `Aliases:\n${wrap([name, ...aliases].join(', '), margin, width)}` : '';

function argumentSection(inputs: Inputs, width: number): string {
  const rows = Object.values(inputs)
    .filter((input) => input.positional !== undefined && !input.hidden)
    .map((input) => [input.positional ?? '', input.help] as const);
  return section('Arguments', rows, width);
}

function flagRows(inputs: Inputs, definition: AnyCommand | undefined): (readonly [string, string])[] {
  return (
    Object.entries(inputs)
      .filter(([key, input]) => !input.hidden && flagOf(key, input) !== undefined)
      .map(([key, input]) => [flagSpelling(key, input), flagHelp(key, input, definition)] as const)
      // By code point: flags are ASCII, and the first use of a collator loads 10 ms of Unicode data.
      .sort(([a], [b]) => (sortKey(a) < sortKey(b) ? -1 : 1))
  );
}

const sortKey = (spelling: string) => spelling.replace(/^\s*(-\w, )?--/, '');

function flagSpelling(key: string, input: Input): string {
  const short = input.short === undefined ? '    ' : `-${input.short}, `;
  const value = input.kind.boolean ? '' : ` ${input.kind.metavar}`;
  return `${short}--${flagOf(key, input)}${value}`;
}

function flagHelp(key: string, input: Input, definition: AnyCommand | undefined): string {
  const notes: string[] = [];
  if (input.many) notes.push(input.kind.splitsCommas ? 'comma list or repeated' : 'may be repeated');
  if (input.default !== undefined && input.default !== 'false') notes.push(`default ${input.default}`);
  if (input.config !== undefined && key !== 'logLevel' && !(key in globalNotes)) notes.push(`config ${input.config}`);
  const formats = key === 'output' ? definition?.formats?.filter((format) => format !== 'text') : undefined;
  const detail = formats?.length ? ` One of ${formats.join(', ')}.` : '';
  return `${input.help}${detail}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`;
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
