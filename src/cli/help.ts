// Help, laid out from data. Guarantees: no command is loaded for it, nor anything but this module and the page.

import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isExecutable } from '../build.ts';
import type { Host } from '../host.ts';
import type { IndexNode } from './define.ts';
import type { HelpPage, HelpRow } from './help-data.ts';

export const maxExamples = 3;

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
const details: readonly [Detail, ...Detail[]] = [
  { examples: maxExamples, firstSentences: { description: false, flags: false } },
  { examples: 2, firstSentences: { description: true, flags: false } },
  { examples: 1, firstSentences: { description: true, flags: true } },
];

/** `children`: of a command that is a group as well. */
export function commandHelp(page: HelpPage, host: Host, children: readonly IndexNode[] = []): string {
  const width = helpWidth(host);
  const whole = laidOut(page, width, children, details[0]);
  if (fits(whole)) return whole;
  for (const detail of details.slice(1)) {
    const shorter = laidOut(page, width, children, detail);
    if (fits(shorter)) return shorter;
  }
  return whole;
}

const fits = (text: string) => text.split('\n').length <= screen + 1;

function laidOut(page: HelpPage, width: number, children: readonly IndexNode[], detail: Detail): string {
  const { summary, description = '', deprecated, filters } = page;
  const details = detail.firstSentences.description ? firstSentence(description) : description;
  const rows = (all: readonly HelpRow[]) =>
    all.map(([name, text, brief = text]) => [name, detail.firstSentences.flags ? brief : text] as const);
  const sections = [
    wrap([summary, ...(details === '' ? [] : [details])].join('\n'), '', width),
    deprecated ? wrap(`Deprecated: ${deprecated}`, '', width) : '',
    usageLine(page, width),
    examples(page, width, detail),
    section('Arguments', rows(page.places), width),
    section('Commands', childRows(children), width),
    section('Required', rows(page.required), width),
    section(filters ? 'Filters' : 'Optional', rows(page.optional), width),
    outputSection(page, width),
  ];
  return `${joined(sections)}\n`;
}

/** Up to the first full stop that ends one: `e.g. ` and the like are none. */
export const firstSentence = (text: string): string => /^[\s\S]*?[^.\s]{3}[.](?=\s|$)/.exec(text)?.[0] ?? text;

export function groupHelp(path: readonly string[], node: IndexNode, host: Host): string {
  const width = helpWidth(host);
  const name = ['chainctl', ...path].join(' ');
  const isRoot = path.length === 0;
  const sections = [
    wrap(node.summary, '', width),
    node.description ? wrap(node.description, '', width) : '',
    wrap(`Usage: ${name} COMMAND${also(node.aliases)}`, '', width),
    isRoot ? rootExamples : '',
    section('Commands', childRows(node.children ?? []), width),
    isRoot
      ? `${wrap(
          'More: `chainctl COMMAND --help`, `chainctl help flags|output|environment|exit-codes|contexts`, and',
          '',
          width,
        )}\n${docsAddress(host)}`
      : wrap(`More: \`${name} COMMAND --help\`, \`chainctl help flags\``, '', width),
  ];
  return `${joined(sections)}\n`;
}

/** Stands for the documentation where it is not on this machine. */
export const docsPlace = 'the folder docs of the package';

/** Path of the documentation on this machine; an executable brings none. */
function docsAddress({ program }: Host): string {
  if (isExecutable) return docsPlace;
  try {
    const file = join(dirname(realpathSync(program)), '..', 'docs', 'README.md');
    if (existsSync(file)) return file;
  } catch {
    // Started by a name that is no path.
  }
  return docsPlace;
}

/** Pages that fit a window keep a blank line between their parts. */
const joined = (sections: readonly string[]) => sections.filter((part) => part !== '').join('\n\n');

const rootExamples = [
  'Examples:',
  '  chainctl auth login                       # sign in',
  '  chainctl auth configure-docker            # let Docker pull with your login',
  '  chainctl local start                      # a platform of your own',
].join('\n');

const childRows = (children: readonly IndexNode[]) =>
  children.filter((child) => !child.hidden).map((child) => [child.name, child.summary] as const);

// A page wider than 100 columns is hard to read; narrower than 40 leaves no room for two columns.
export const helpWidth = (host: Host): number => Math.max(40, Math.min(100, host.stdout.columns));

/** Other spellings of the last word. */
export const also = (aliases: readonly string[] = []): string =>
  aliases.length === 0 ? '' : ` (also: ${aliases.join(', ')})`;

/** Returns the usage, wrapped at `width` columns. */
export const usageLine = ({ name, usage }: Pick<HelpPage, 'name' | 'usage'>, width: number): string =>
  wrapWords(['Usage:', name, ...usage], '', `${margin}${margin}${margin}`, width);

/** One line each, with what it does where there is room for it. What is there to be copied is never broken. */
function examples({ name, examples }: HelpPage, width: number, { examples: most }: Detail): string {
  if (examples.length === 0) return '';
  const lines = examples.slice(0, most).map(([words, text]) => {
    const command = `${margin}${name} ${words}`.trimEnd();
    const withText = `${command}  # ${text}`;
    return withText.length <= width ? withText : command;
  });
  return `Examples:\n${lines.join('\n')}`;
}

/** The formats with the default first, and where the rest is told: it is the same for every command. */
function outputSection({ formats, answerFlags }: HelpPage, width: number): string {
  const names = answerFlags.join(', ');
  const formatNames = names === '' ? '' : ` (${names})`;
  const lines = [
    formats.length > 0 ? wrapWords(['Output: -o', ...formats.join(', ').split(' ')], '', margin, width) : '',
    wrap(
      names === ''
        ? 'More: `chainctl help flags`'
        : `More: \`chainctl help output\`${formatNames}, \`chainctl help flags\``,
      '',
      width,
    ),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

/** Returns the rows below their title, in two columns; empty without rows. */
export function section(title: string, rows: readonly (readonly [string, string])[], width: number): string {
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
    .map((paragraph) => wrapWords(wordsOf(paragraph), indent, indent, width))
    .join('\n');
}

/** Splits where a line may end: a command in backticks is there to be copied, so it stays on one. */
function wordsOf(paragraph: string): string[] {
  const [first = '', ...parts] = paragraph.split('`');
  const words = first.split(' ');
  parts.forEach((part, at) => {
    // Inside of backticks, when another one closes them.
    const [rest = '', ...others] = at % 2 === 0 && at + 1 < parts.length ? [part] : part.split(' ');
    words.push(`${words.pop() ?? ''}\`${rest}`, ...others);
  });
  return words;
}

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
