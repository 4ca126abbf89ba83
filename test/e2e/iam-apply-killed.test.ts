// `iam apply` killed in the middle, as a machine that loses its power kills it: what was made stays, and the same command again
// does the rest.

import { spawn } from 'node:child_process';
import { beforeAll, expect, test, vi } from 'vitest';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { createWorld, type Person, type RunningPlatform, signIn } from '../support/program.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const world = createWorld();
let platform: RunningPlatform;
/** Stands between the program and the API. */
let api: FaultyServer;
let person: Person;
/** What the organization has at first, and what it has when the files below are applied; each as an export says it. */
const files = { first: '', wanted: '' };

const more = `version: 1
organization: example.com
folders:
  - { path: engineering, description: Builders }
  - { path: engineering/release }
  - { path: engineering/release/candidates }
roles:
  - { name: pusher, capabilities: [manifest.create, repo.create, repo.list] }
identities:
  - name: ci
    in: engineering/release
    claimMatch: { issuer: https://token.actions.githubusercontent.com, subject: "repo:acme/app:ref:refs/heads/main" }
bindings:
  - { identity: ci, role: pusher, in: engineering }
  - { user: guest@example.com, role: viewer, in: engineering/release }
  - { user: dev@example.com, role: owner }
`;

const exported = async () => `${await person.ok('iam', 'export', '--parent=example.com')}\n`;
/** Sections that are empty are in no export, and what is in no section is never deleted. */
const empty = { first: 'roles: []\nidentities: []\n', wanted: '' };
const apply = (name: keyof typeof files) => [
  ...['iam', 'apply', `--filename=${person.write(`${name}.yaml`, files[name] + empty[name])}`, '--prune', '--yes'],
];

beforeAll(async () => {
  platform = await world.startPlatform();
  api = await startFaultyServer(platform.api);
  person = world.person('operator', { ...platform, env: { ...platform.env, CHAINGUARD_PLATFORM_API: api.url } });
  await signIn(person, platform);
  files.first = await exported();
  await person.ok('iam', 'apply', `--filename=${person.write('more.yaml', more)}`, '--yes');
  files.wanted = await exported();
  expect(files.wanted).not.toBe(files.first);
  await person.ok(...apply('first'));
  expect(await exported()).toBe(files.first);
});

/**
 * Lets so many changes be answered; then the platform makes the next one, or it never gets there, and while the program waits
 * for the answer it is killed.
 */
async function killedAfter(answered: number, isMade: boolean, name: keyof typeof files): Promise<void> {
  let changes = 0;
  const child = spawn('chainctl', apply(name), {
    env: person.env as NodeJS.ProcessEnv,
    cwd: person.home,
    stdio: 'ignore',
  });
  const ended = new Promise<string | number | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  api.break('/iam/', async (_, { method }, upstream) => {
    if (method !== 'GET') changes += 1;
    if (changes <= answered) return upstream.passOn();
    if (isMade) await upstream.withhold();
    child.kill('SIGKILL');
  });
  expect(await ended).toBe('SIGKILL');
  expect(changes).toBe(answered + 1);
  api.heal();
}

test.each([
  ['when the first change is made and not yet answered', 0, true],
  ['in the middle', 3, false],
  ['when all is made and the last not yet answered', 6, true],
])('killed %s, a second run finishes, and so it does on the way back', async (_, answered, isMade) => {
  for (const name of ['wanted', 'first'] as const) {
    await killedAfter(answered, isMade, name);
    await person.ok(...apply(name));
    expect(await exported()).toBe(files[name]);
  }
});
