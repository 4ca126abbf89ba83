import { stringify } from 'yaml';
import type { Io } from '../io.ts';
import { documentOf } from './document.ts';
import type { Renderer } from './format.ts';

/** The document of `-o json` as YAML 1.2. */
export const render: Renderer = async (input) => writeYaml(await documentOf(input), input.io);

export function writeYaml(document: unknown, io: Io): void {
  io.out(stringify(harmless(document), { lineWidth: 0, aliasDuplicateObjects: false }));
}

/** YAML writes some controls as they are; a terminal must take none of them for more than text. */
function harmless(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(dangerous, '\ufffd');
  if (Array.isArray(value)) return value.map(harmless);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key.replace(dangerous, '\ufffd'), harmless(one)]),
  );
}

/** All that `printable` replaces but line ends and tabs, which YAML quotes. */
const dangerous = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
