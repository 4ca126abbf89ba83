import { compile, type JSONValue, search } from '@jmespath-community/jmespath';
import { CliError } from '../../errors.ts';
import type { Format } from '../define.ts';
import { printable, printableJson } from '../io.ts';
import { documentOf } from './document.ts';
import type { RenderInput } from './format.ts';

/**
 * What a JMESPath expression makes of the document of `-o json`. Without a format a text is written bare and a list of
 * texts one to a line, as scripts want them; everything else is JSON.
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
    return search(document as JSONValue, expression);
  } catch (error) {
    throw wrong(expression, error);
  }
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
