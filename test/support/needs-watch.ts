// What `--needs` says of a command line, beside what the platform has really been asked for.

import { expect } from 'vitest';
import { operations } from '../../src/api/schema/operations.gen.ts';
import type { Operation } from '../../src/api/schema/types.ts';
import { parseArguments } from '../../src/cli/arguments.ts';
import { needsOf } from '../../src/cli/needs.ts';
import { find } from '../../src/cli/program.ts';
import { needs } from '../../src/commands/needs.gen.ts';

/** Ids of operations that the command line says it would use; with `asking` also what it looks up to ask about. */
async function claimed(argv: readonly string[], asking: boolean): Promise<ReadonlySet<string>> {
  const { node, rest } = await find(argv);
  const definition = (await node.load?.())?.default;
  if (definition === undefined) return new Set();
  const { given } = parseArguments(definition, rest);
  const parsed = new Map(
    [...given].map(([key, texts]) => [key, definition.inputs[key]?.many ? texts : texts.at(-1)] as const),
  );
  const ids = (await needsOf(definition, { parsed })).flatMap((need) => need.operations);
  const parts = needs[definition.path.join(' ')] ?? {};
  // A setting may hold what was not given.
  const settings = Object.keys(definition.inputs).filter((key) => definition.inputs[key]?.config !== undefined);
  const all = (asking ? Object.keys(parts) : settings).flatMap((key) => parts[key] ?? []);
  return new Set([...ids, ...all]);
}

/** Fails when an operation that needs a capability was called and the command does not say so. */
export async function expectNeedsTold(
  argv: readonly string[],
  { asking, called }: { readonly asking: boolean; readonly called: readonly string[] },
): Promise<void> {
  const table: Readonly<Record<string, Operation>> = operations;
  const asked = [...new Set(called)].filter((id) => (table[id]?.capabilities.length ?? 0) > 0);
  // Names are offered while a command is typed: that is not the command, and what may not be read is just not offered.
  if (asked.length === 0 || argv[0] === '__complete') return;
  const told = await claimed(argv, asking);
  expect({ argv, untold: asked.filter((id) => !told.has(id)) }).toEqual({ argv, untold: [] });
}
