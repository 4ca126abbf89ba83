import type { Context } from '../../cli/context.ts';
import { printable } from '../../cli/io.ts';
import type { ConfigEdit, EditOptions } from '../../config/edit.ts';

/** Returns where a change goes: the file of `--config`, or the user's own. */
export function changeOptions(context: Context): EditOptions {
  const { config } = context.globals;
  return { signal: context.signal, ...(config === undefined ? {} : { path: config }) };
}

/** The same for one property, which `--context` takes into that context. */
export function propertyOptions(context: Context): EditOptions {
  const { context: name } = context.globals;
  return { ...changeOptions(context), ...(name === undefined ? {} : { context: name }) };
}

/** Result, in one line, and whatever keeps it from taking effect. */
export function reportChange(context: Context, edit: ConfigEdit, line: string): void {
  for (const warning of edit.warnings) context.io.warn(printable(warning));
  context.io.note(printable(line));
}
