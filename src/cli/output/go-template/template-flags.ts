// A person's own template, as `--template` and `--template-file` name it.

import { resolve } from 'node:path';
import { CliError } from '../../../errors.ts';
import { readTextIfExists } from '../../../files.ts';
import type { Context } from '../../context.ts';
import { remembered } from '../../remembered.ts';
import { runTemplate } from './execute.ts';
import type { Value } from './format.ts';
import { TemplateError } from './lexer.ts';
import { parseTemplate } from './parser.ts';

/** Exactly one of the two. */
export interface TemplateFlags {
  readonly template?: string | undefined;
  readonly templateFile?: string | undefined;
}

interface Source {
  readonly text: string;
  /** Name in a sentence. */
  readonly name: string;
}

/** Read once: the file may be a pipe. Throws a usage CliError when it does not exist. */
const readSource = remembered(
  async (context: Context, { template = '', templateFile }: TemplateFlags): Promise<Source> => {
    if (templateFile === undefined) return { text: template, name: '`--template`' };
    const text = readTextIfExists(resolve(context.host.cwd, templateFile));
    if (text !== undefined) return { text, name: templateFile };
    throw new CliError('usage', `\`--template-file\` "${templateFile}" does not exist`, { code: 'usage.template' });
  },
);

/** Returns what is wrong with the template, one sentence; undefined when it can be run. */
export async function templateProblem(flags: TemplateFlags, context: Context): Promise<string | undefined> {
  const { text, name } = await readSource(context, flags);
  try {
    parseTemplate(text);
    return undefined;
  } catch (error) {
    return sentence(error, name);
  }
}

/** Returns what the template makes of a value. Throws a usage CliError that says where it went wrong. */
export async function applyTemplate(flags: TemplateFlags, value: unknown, context: Context): Promise<string> {
  const { text, name } = await readSource(context, flags);
  try {
    // Whatever a command shows as JSON is such a value.
    return runTemplate(parseTemplate(text), value as Value);
  } catch (error) {
    throw new CliError('usage', sentence(error, name), { code: 'usage.template' });
  }
}

function sentence(error: unknown, name: string): string {
  if (!(error instanceof TemplateError)) throw error;
  return `${name}, line ${error.line}, column ${error.column}: ${error.message}`;
}
