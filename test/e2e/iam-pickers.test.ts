// A person at a terminal of 80 by 24 makes a role, an invite and a binding without typing one flag.

import { beforeAll, expect, test } from 'vitest';
import { createWorld, type Person, type RunningPlatform, signIn } from '../support/program.ts';
import { openTerminal, type Terminal } from '../support/terminal.ts';

const world = createWorld();
let platform: RunningPlatform;
let developer: Person;

beforeAll(async () => {
  platform = await world.startPlatform();
  developer = world.person('developer', platform);
  await signIn(developer, platform);
});

/** Types a command line; its exit code shows when it has ended. */
function run(screen: Terminal, line: string): void {
  screen.type(`clear; ${line}; echo "code $?"`);
  screen.press('Enter');
}

/** Narrows the picker on the screen to rows with this text, and waits until the first of them is under the cursor. */
async function narrow(screen: Terminal, text: string, row: RegExp): Promise<void> {
  await screen.shows('type to filter');
  screen.type(text);
  await screen.shows(row);
}

const narrowLines = (screen: string) => {
  for (const line of screen.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
};

/** The screen's lines put together again where the terminal broke them. */
const joined = (screen: string) => screen.replaceAll('\n', '');

test('a role: its name is typed, its place picked, its capabilities ticked', async () => {
  const screen = await openTerminal(developer.env, developer.home);
  run(screen, 'chainctl iam roles create');
  await screen.shows('What is the role called?');
  screen.type('Nope');
  screen.press('Enter');
  await screen.shows('This must be made of lower-case letters');
  screen.press('BSpace', 'BSpace', 'BSpace', 'BSpace');
  screen.type('picked-role');
  screen.press('Enter');
  await screen.shows('Where does the role belong?');
  await narrow(screen, 'engin', /^ {2}> .*\[engineering\]/m);
  narrowLines(screen.screen());
  screen.press('Enter');
  await screen.shows('✔ Selected folder engineering.');
  await screen.shows('Which capabilities does the role have?');
  await narrow(screen, 'groups.l', /^ {2}> \[ \] \[groups\.list\]/m);
  screen.press('Space');
  await screen.shows('[x] [groups.list]');
  screen.press('Escape');
  await screen.shows('[account_associations.create]');
  narrowLines(screen.screen());
  await narrow(screen, 'repo.list', /^ {2}> \[ \] \[repo\.list\]/m);
  screen.press('Space');
  await screen.shows('[x] [repo.list]');
  screen.press('Enter');
  const asked = await screen.shows('Do you want to continue? [Y,n]:');
  expect(asked).toContain('This creates the role "picked-role" in "engineering".');
  expect(asked).toContain('with  groups.list, repo.list');
  screen.press('Enter');
  await screen.shows('code 0');
  const { items } = JSON.parse(await developer.ok('iam', 'roles', 'list', '--name=picked-role', '-o', 'json'));
  expect(items).toMatchObject([{ name: 'picked-role', capabilities: ['groups.list', 'repo.list'] }]);
});

test('a binding: place, holder and role, each offered as far as the ones before allow', async () => {
  const screen = await openTerminal(developer.env, developer.home);
  await developer.ok(
    ...['iam', 'identities', 'create', 'robot', '--parent=example.com', '--subject=1', '--yes'],
    '--identity-issuer=https://issuer.example',
  );
  run(screen, 'chainctl iam role-bindings create');
  await screen.shows('Where should the role apply?');
  await narrow(screen, 'platf', /^ {2}> .*\[platform\]/m);
  screen.press('Enter');
  await screen.shows('Which identity should get the role?');
  await narrow(screen, 'robot', /^ {2}> \[robot\]/m);
  screen.press('Enter');
  await screen.shows('Which role?');
  // Made in the folder above, so it can be bound here.
  await narrow(screen, 'picked', /^ {2}> \[picked-role\]/m);
  screen.press('Enter');
  const asked = joined(await screen.shows('[Y,n]:'));
  expect(asked).toContain('This gives "robot" the role "picked-role" in "platform".');
  screen.press('Enter');
  const done = joined(await screen.shows('code 0'));
  expect(done).toContain('Equivalent command: chainctl iam role-bindings create --parent=platform --identity=');
  const tree = await developer.ok('iam', 'role-bindings', 'list', '--parent=example.com', '-o', 'tree');
  expect(tree).toContain('    └ robot: picked-role');
});

test('an invite: place and role, and the code comes out', async () => {
  const screen = await openTerminal(developer.env, developer.home);
  run(screen, 'chainctl iam invites create');
  await screen.shows('Where are people invited to?');
  await screen.shows('type to filter');
  screen.press('Enter');
  await screen.shows('Which role do they get?');
  // Not the first with these letters in it, but the one called so.
  await narrow(screen, 'viewer', /^ {2}> \[viewer\]/m);
  screen.press('Enter');
  const done = await screen.shows('code 0');
  expect(joined(done)).toContain('Equivalent command: chainctl iam invites create example.com --role=');
  expect(done).toContain('Invite code: ');
  const { items } = JSON.parse(await developer.ok('iam', 'invites', 'list', '-o', 'json'));
  expect(items).toHaveLength(1);
});

test('things of one name are told apart in 80 columns, picked and named', async () => {
  for (const place of ['engineering', 'platform']) {
    const rule = ['--identity-issuer=https://issuer.example.com', `--subject=${place}`];
    await developer.ok('iam', 'identities', 'create', 'twin', `--parent=${place}`, ...rule, '--yes');
  }
  const screen = await openTerminal(developer.env, developer.home);
  const rows = (text: string) => text.split('\n').filter((line) => line.includes('[twin]'));
  run(screen, 'chainctl iam identities delete');
  await narrow(screen, 'twin', /^ {2}> \[twin\]/m);
  const picked = rows(screen.screen());
  screen.press('C-c');
  await screen.shows('code 130');
  run(screen, 'chainctl iam identities delete twin');
  await screen.shows('Several are named "twin". Which identity?');
  await screen.shows('type to filter');
  const named = rows(screen.screen());
  screen.press('Escape');
  await screen.shows('code 130');
  for (const shown of [picked, named]) {
    // By id where names are equal, so either may come first.
    const places = shown.map((row) => /\[twin\] (\S+) …\/[0-9a-f]{16}$/.exec(row)?.[1]).sort();
    expect(places).toEqual(['example.com/engineering', 'example.com/engineering/platform']);
  }
});

test('Escape ends a picker, nothing is made and nothing asked twice', async () => {
  const screen = await openTerminal(developer.env, developer.home);
  const before = await developer.ok('iam', 'invites', 'list', '-o', 'id');
  run(screen, 'chainctl iam invites create');
  await screen.shows('type to filter');
  screen.press('Escape');
  await screen.shows('code 130');
  expect(await developer.ok('iam', 'invites', 'list', '-o', 'id')).toBe(before);
});
