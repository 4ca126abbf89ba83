// The manual, as `man` renders it.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { IndexNode } from '../../src/cli/define.ts';
import { wholeIndex } from '../../src/cli/program.ts';
import { createWorld, projectRoot } from '../support/program.ts';

const world = createWorld();

/** Names of the commands that are not hidden. */
function commandsOf({ children = [] }: IndexNode, name: string): string[] {
  return children
    .filter(({ hidden }) => !hidden)
    .flatMap((child) => {
      const own = `${name} ${child.name}`;
      return [...(child.load === undefined ? [] : [own]), ...commandsOf(child, own)];
    });
}

test('every page renders without a warning, and every command stands in one of them', async () => {
  const person = world.person('reader');
  const folder = join(projectRoot, 'share', 'man', 'man1');
  // One shell for all of them: each page takes several processes.
  const script = `for page in "${folder}"/*.1; do man --warnings -l "$page" || exit; done`;
  const env = { MANWIDTH: '200', MAN_KEEP_FORMATTING: undefined, MANPAGER: 'cat', LC_ALL: 'C.UTF-8' };
  const { code, out, err } = await person.sh(script, { env });
  expect(err).toBe('');
  expect(code).toBe(0);
  expect(readdirSync(folder)).toContain('chainctl.1');
  for (const name of commandsOf(await wholeIndex(), 'chainctl')) {
    expect(new RegExp(`^ +${name}(?: |$)`, 'm').test(out), name).toBe(true);
  }
  expect(out).toContain('EXIT STATUS');
  expect(out).toContain('CHAINGUARD_PLATFORM_API');
});
