import {
  compile,
  isRegistered,
  type JSONValue,
  register,
  TreeInterpreter,
  TYPE_ANY,
} from '@jmespath-community/jmespath';
import { CliError } from '../../errors.ts';
import type { Format } from '../define.ts';
import { printable, printableJson } from '../io.ts';
import { documentOf } from './document.ts';
import type { RenderInput } from './format.ts';

/**
 * Returns what a JMESPath expression makes of the document of `-o json`. Without a format a text is written bare and
 * a list of texts one to a line, as scripts want them; everything else is JSON.
 */
export async function renderQuery<T>(input: RenderInput<T>, expression: string, format: Format | undefined) {
  const document = await documentOf(input);
  const answer = evaluated(expression, document);
  const { io } = input;
  if (format === 'yaml') {
    const { writeYaml } = await import('./yaml.ts');
    return writeYaml(answer, io);
  }
  const lines = format === undefined ? bareLines(answer) : undefined;
  if (lines !== undefined) io.out(lines.map((line) => `${line}\n`).join(''));
  else io.out(`${printableJson(answer, io.outIsTty ? 2 : undefined)}\n`);
}

/** Throws kind `usage` for what is no expression: before anything was done. */
export function checkQuery(expression: string): void {
  try {
    compile(expression);
  } catch (error) {
    throw wrong(expression, error);
  }
}

function evaluated(expression: string, document: unknown): unknown {
  try {
    // A document is what JSON.parse gave.
    return TreeInterpreter.search(orderingTexts(compile(expression)), document as JSONValue);
  } catch (error) {
    throw wrong(expression, error);
  }
}

type Ordered = string | number;
const comparisons: Record<string, (a: Ordered, b: Ordered) => boolean> = {
  LT: (a, b) => a < b,
  LTE: (a, b) => a <= b,
  GT: (a, b) => a > b,
  GTE: (a, b) => a >= b,
};

/**
 * Returns the expression with `<`, `<=`, `>` and `>=` comparing texts as well as numbers, so that times can be compared as in
 * the command lines of AWS and Azure. By the letter of the specification such a comparison is null, and a filter with it
 * silently finds nothing (findings/jmespath-text-order.sh).
 */
function orderingTexts<T>(node: T): T {
  if (Array.isArray(node)) return node.map(orderingTexts) as T;
  if (node === null || typeof node !== 'object') return node;
  const { type, name, left, right } = node as Record<string, unknown>;
  if (type === 'Literal') return node;
  if (type === 'Comparator' && typeof name === 'string' && Object.hasOwn(comparisons, name)) {
    return { type: 'Function', name: comparisonFunction(name), children: [left, right].map(orderingTexts) } as T;
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, orderingTexts(value)])) as T;
}

/** Returns the name of the function that stands for a comparison; no expression can call it, because of its space. */
function comparisonFunction(name: string): string {
  const called = `compare ${name}`;
  if (!isRegistered(called)) {
    const any = { types: [TYPE_ANY] };
    register(
      called,
      ([a, b]) => {
        const comparable = typeof a === typeof b && (typeof a === 'string' || typeof a === 'number');
        return comparable ? (comparisons[name]?.(a as Ordered, b as Ordered) ?? null) : null;
      },
      [any, any],
    );
  }
  return called;
}

const wrong = (expression: string, error: unknown) =>
  new CliError('usage', printable(`\`--query\` cannot be evaluated: "${expression}"`), {
    code: 'usage.query',
    details: [printable(error instanceof Error ? error.message : String(error))],
    hint: 'see `chainctl help output` and https://jmespath.org',
    cause: error,
  });

function bareLines(answer: unknown): readonly string[] | undefined {
  const all = Array.isArray(answer) ? answer : [answer];
  const isScalar = (one: unknown) => ['string', 'number', 'boolean'].includes(typeof one);
  if (answer === null || !all.every(isScalar)) return undefined;
  return all.map((one) => printable(String(one)));
}
