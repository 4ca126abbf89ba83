// Questions for a terminal that cannot draw, and for people whose screen reader reads lines (TERM=dumb, ACCESSIBLE=1): numbered
// rows, and answers that are lines. Guarantees: no cursor moves, nothing is drawn twice, and the end of the input ends it.

import type { Host } from '../../host.ts';
import { printable, printableLines } from '../io.ts';
import { displayWidth } from '../width.ts';
import { cancelled } from './hooks.ts';
import type { Candidate, Question } from './question.ts';
import { ranked } from './rank.ts';
import type { TextOptions, Validate } from './text.ts';

/** One line of the terminal, without blanks around it, that `wrong` has nothing against; an empty one is `initial`. */
export async function text(
  host: Host,
  message: string,
  wrong: Validate,
  signal: AbortSignal,
  { example, initial }: Pick<TextOptions, 'example' | 'initial'> = {},
): Promise<string> {
  const notes = [
    ...(initial === undefined ? [] : [`Enter for "${initial}"`]),
    ...(example === undefined ? [] : [`for example ${example}`]),
  ];
  const asked = printableLines(`${message}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`);
  for (;;) {
    host.stderr.write(`${asked} `);
    const line = await host.stdin.readLine(signal);
    if (line === undefined) {
      host.stderr.write('\n');
      throw cancelled();
    }
    const answer = line.trim() || initial || '';
    const problem = await wrong(answer);
    if (problem === undefined) return answer;
    host.stderr.write(`${printableLines(problem)}\n`);
  }
}

export async function confirm(host: Host, question: Question, signal: AbortSignal): Promise<boolean> {
  const wrong = (line: string) => (/^(y|yes|n|no|)$/i.test(line) ? undefined : 'Answer y or n');
  const answer = await text(host, `${question.message} ${question.default ? '[Y,n]' : '[y,N]'}:`, wrong, signal);
  return answer === '' ? question.default : /^y/i.test(answer);
}

export async function pick<V>(
  host: Host,
  message: string,
  candidates: readonly Candidate<V>[],
  signal: AbortSignal,
): Promise<Candidate<V>> {
  list(host, message, candidates);
  let picked: Candidate<V> | undefined;
  const wrong = (line: string) => {
    const found = meant(line, candidates);
    if (typeof found === 'string') return found;
    picked = found;
    return undefined;
  };
  await text(host, 'Number or name:', wrong, signal);
  if (picked === undefined) throw cancelled();
  return picked;
}

export async function pickMany<V>(
  host: Host,
  message: string,
  candidates: readonly Candidate<V>[],
  optional: boolean,
  signal: AbortSignal,
): Promise<readonly Candidate<V>[]> {
  list(host, message, candidates);
  let picked: Candidate<V>[] = [];
  const wrong = (line: string) => {
    const words = line.split(',').flatMap((word) => word.trim() || []);
    if (words.length === 0 && !optional) return 'Nothing is chosen: type at least one number';
    const found = words.map((word) => meant(word, candidates));
    const problem = found.find((one) => typeof one === 'string');
    if (problem !== undefined) return problem;
    picked = [...new Set(found.filter((one) => typeof one !== 'string'))];
    return undefined;
  };
  const none = optional ? ' (nothing for none)' : '';
  await text(host, `Numbers or names, with commas between them${none}:`, wrong, signal);
  return picked;
}

/** Broken between words, and never within one: the terminal itself would. */
function wrapped(text: string, indent: string, width: number): string {
  const lines: string[] = [];
  let rest = text;
  while (displayWidth(rest) >= width) {
    const at = rest.lastIndexOf(' ', width - 1);
    if (at <= indent.length) break;
    lines.push(rest.slice(0, at).trimEnd());
    rest = `${indent}${rest.slice(at + 1)}`;
  }
  return [...lines, rest].join('\n');
}

function list(host: Host, message: string, candidates: readonly Candidate<unknown>[]): void {
  const rows = candidates.map(({ label, description = '', depth = 0 }, index) => {
    const number = `  ${String(index + 1).padStart(String(candidates.length).length)}. ${'  '.repeat(depth)}`;
    const words = `${printable(label)}  ${printable(description)}`.trimEnd();
    return `${wrapped(`${number}${words}`, ' '.repeat(number.length), host.stderr.columns)}\n`;
  });
  host.stderr.write(`${printableLines(message)}\n${rows.join('')}`);
}

/**
 * Returns what a number, a name or the only row with these letters stands for; a sentence when that is none or several.
 */
function meant<V>(word: string, candidates: readonly Candidate<V>[]): Candidate<V> | string {
  const number = /^\d+$/.test(word) ? candidates[Number(word) - 1] : undefined;
  const exact = candidates.filter(({ label, text: typed }) => label === word || typed === word);
  const [first, second] = exact.length > 0 ? exact : number === undefined ? nearest(word, candidates) : [number];
  if (first === undefined || word === '') return `Type a number from 1 to ${candidates.length}, or a name`;
  if (second === undefined) return first;
  const names = nearest(word, candidates)
    .slice(0, 5)
    .map(({ label }) => printable(label));
  return `Several are meant by "${printable(word)}": ${names.join(', ')}; type a number`;
}

const nearest = <V>(word: string, candidates: readonly Candidate<V>[]): Candidate<V>[] =>
  ranked(
    candidates.map(({ label, description = '' }) => ({ label, text: `${label} ${description}` })),
    word,
  ).flatMap((index) => candidates[index] ?? []);
