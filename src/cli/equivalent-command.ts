import { shellWord } from '../shell-word.ts';
import type { Typed } from './ask.ts';
import type { AnyCommand, Input } from './define.ts';
import { globalInputs } from './globals.ts';
import { boolean } from './inputs/values.ts';
import { printable } from './io.ts';
import { commandName, flagOf } from './spelling.ts';

/** Returns the command line that would have asked nothing, for a POSIX shell; credentials are left out. */
export function equivalentCommand(
  definition: AnyCommand,
  typed: Typed,
  globals: Readonly<Partial<Record<string, string>>>,
): string {
  const places: string[] = [];
  const flags: string[] = [];
  let everyPlaceFilled = true;
  let hasDash = false;
  for (const [key, input] of Object.entries(definition.inputs)) {
    const texts = typed.get(key);
    if (texts === undefined) {
      if (input.positional !== undefined) everyPlaceFilled = false;
      continue;
    }
    const flag = flagOf(key, input);
    // A text that looks like a flag would be read as one in a place.
    const looksLikeFlag = texts.some((text) => text.startsWith('-'));
    if (input.positional !== undefined && ((everyPlaceFilled && !looksLikeFlag) || flag === undefined)) {
      places.push(...texts.map((text) => word(input, text)));
      hasDash ||= looksLikeFlag;
    } else {
      flags.push(...texts.map((text) => asFlag(flag ?? key, input, text)));
    }
  }
  for (const [key, input] of Object.entries<Input>(globalInputs)) {
    const text = globals[key];
    if (text !== undefined) flags.push(asFlag(flagOf(key, input) ?? key, input, text));
  }
  const words = hasDash ? [...flags, '--', ...places] : [...places, ...flags];
  return printable([commandName(definition), ...words].join(' '));
}

const word = (input: Input, text: string) => (input.kind.secret ? '…' : shellWord(text));

function asFlag(flag: string, input: Input, text: string): string {
  if (input.kind.boolean) return boolean.parse(text) === true ? `--${flag}` : `--${flag}=false`;
  return `--${flag}=${word(input, text)}`;
}
