// Output of more than a screen goes through the pager, as a person sees it on a terminal of 80 columns and 24 rows.

import { expect, test } from 'vitest';
import { createWorld } from '../support/program.ts';
import { openTerminal } from '../support/terminal.ts';

const world = createWorld();

test('less shows a long list a screen at a time; Ctrl-C is its own, and q ends the command with 0', async () => {
  const person = world.person('reader');
  const terminal = await openTerminal({ ...person.env, LESS: undefined, PAGER: undefined }, person.home);
  terminal.type('chainctl commands; echo "ended with $?"');
  terminal.press('Enter');
  const first = await terminal.shows(/\n:$/);
  expect(first).toContain('COMMAND');
  expect(first).toContain('chainctl api');
  terminal.press('C-c');
  terminal.press('Space');
  const second = await terminal.shows(/chainctl config contexts use[\s\S]*\n:$/);
  expect(second).not.toContain('COMMAND ');
  terminal.press('q');
  const last = await terminal.shows('ended with 0');
  expect(last).not.toContain('Interrupted');
});

test('what fits, a pipe, a plain terminal and a person who wants none get no pager', async () => {
  const person = world.person('writer');
  const pager = person.write('pager', '#!/bin/sh\necho "PAGED BY $0"\nexec tail -n 3\n', 0o755);
  const terminal = await openTerminal({ ...person.env, PAGER: pager }, person.home);
  let runs = 0;
  const run = async (line: string) => {
    runs += 1;
    terminal.type(`clear; ${line}; echo "end ${runs}"`);
    terminal.press('Enter');
    return terminal.shows(new RegExp(`^end ${runs}$`, 'm'));
  };
  expect(await run('chainctl commands')).toContain(`PAGED BY ${pager}`);
  expect(await run('chainctl help environment')).toContain('PAGED');
  expect(await run('chainctl config contexts list')).not.toContain('PAGED');
  expect(await run('chainctl commands | cat')).not.toContain('PAGED');
  expect(await run('TERM=dumb chainctl commands')).not.toContain('PAGED');
  const missing = await run('PAGER="no-such-pager -x" chainctl commands');
  expect(missing).toContain('chainctl version');
  expect(missing).not.toContain('not found');
  await run('chainctl config set default.pager false');
  expect(await run('chainctl commands')).not.toContain('PAGED');
  expect(await run(`CHAINCTL_PAGER=${pager} chainctl commands`)).toContain('PAGED');
});
