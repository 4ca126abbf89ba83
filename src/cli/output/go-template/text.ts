import { resolve } from 'node:path';
import { CliError } from '../../../errors.ts';
import { readTextIfExists } from '../../../files.ts';
import type { Context } from '../../context.ts';
import { compileTemplate, runTemplate } from './execute.ts';
import type { Value } from './format.ts';
import { TemplateError } from './syntax.ts';

export interface TemplateFlags {
  readonly template?: string | undefined;
  readonly templateFile?: string | undefined;
}

/** The template's text and how to name it. Throws a usage CliError when its file does not exist. */
export function templateText(flags: TemplateFlags, context: Context): { readonly text: string; readonly name: string } {
  const { template, templateFile } = flags;
  if (templateFile === undefined) return { text: template ?? '', name: '`--template`' };
  const text = readTextIfExists(resolve(context.host.cwd, templateFile));
  if (text !== undefined) return { text, name: templateFile };
  throw new CliError('usage', `\`--template-file\` "${templateFile}" does not exist`, { code: 'usage.template' });
}

/** What is wrong with the template, one sentence; undefined when it can be run. */
export function templateProblem(flags: TemplateFlags, context: Context): string | undefined {
  const { text, name } = templateText(flags, context);
  try {
    compileTemplate(text);
    return undefined;
  } catch (error) {
    return sentence(error, name);
  }
}

/** What the template makes of a value. Throws a usage CliError that says where it went wrong. */
export function applyTemplate(flags: TemplateFlags, value: unknown, context: Context): string {
  const { text, name } = templateText(flags, context);
  try {
    // Whatever a command shows as JSON is such a value.
    return runTemplate(compileTemplate(text), value as Value);
  } catch (error) {
    throw new CliError('usage', sentence(error, name), { code: 'usage.template' });
  }
}

function sentence(error: unknown, name: string): string {
  if (!(error instanceof TemplateError)) throw error;
  return `${name}, line ${error.line}, column ${error.column}: ${error.message}`;
}
