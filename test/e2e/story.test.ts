// The demo of README's first command: it plays to the end, and leaves nothing behind however it ends.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createWorld,
  type Environment,
  pause,
  processesUsing,
  projectRoot,
  type Ran,
  until,
} from '../support/program.ts';

const world = createWorld();
const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
});

interface Playing {
  /** Everything it creates is below this. */
  readonly folder: string;
  text(): string;
  /** Ctrl-C, as a terminal sends it: to the whole process group. */
  interrupt(signal?: NodeJS.Signals): void;
  /** To the demo's own process only, as `kill` does. */
  interruptAlone(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ran>;
}

function play(env: Environment = {}, node = process.execPath): Playing {
  const folder = world.path('demo');
  mkdirSync(folder);
  const start = performance.now();
  const child = spawn(node, [join(projectRoot, 'scripts', 'demo', 'story.mjs')], {
    env: { PATH: process.env['PATH'], HOME: folder, TERM: 'dumb', LANG: 'C.UTF-8', TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
  });
  return {
    folder,
    text: () => out,
    interrupt: (signal = 'SIGINT') => process.kill(-(child.pid ?? 0), signal),
    interruptAlone: (signal) => child.kill(signal),
    ended: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        running.delete(child);
        resolve({ code: code ?? (signal === 'SIGINT' ? 130 : 1), out, err, ms: performance.now() - start });
      });
    }),
  };
}

async function expectNothingLeft(folder: string): Promise<void> {
  // A process that was told to end may still be on its way out when the demo's own has gone.
  await until(() => processesUsing(folder).length === 0, 'no process is left', 2_000);
  expect(readdirSync(folder)).toEqual([]);
}

test('plays to the end in less than twenty seconds, and leaves no process and no file', async () => {
  const story = play();
  const { code, out, err, ms } = await story.ended;
  expect(code, out + err).toBe(0);
  expect(ms).toBeLessThan(20_000);
  // Each part of the story, in its order, as it was typed and as it was answered.
  const parts = [
    '$ chainctl local start',
    '$ chainctl auth login --identity-token',
    'Valid! Id: ',
    '$ chainctl iam organizations list',
    '[example.com]',
    '$ chainctl iam identities create github my-app --github-repo=acme/app --github-ref=refs/heads/main --role=registry.pull',
    'ci-runner $ umask 077; chainctl local token github',
    'ci-runner $ chainctl auth login --identity',
    'Successfully exchanged token.',
    'token has invalid subject: "repo:acme@',
    ':ref:refs/heads/feature": identity expects',
    'ci-runner $ chainctl auth configure-docker',
    'Updated auth config for 127.0.0.1:',
    '/example.com/app:latest',
    'pulled.',
    '$ chainctl iam identities list --output=table',
    'claim_match',
    '$ chainctl iam identities list --output=json',
    '{"items":[{"id":"',
    'chainctl auth pull-token create',
    'pulled.',
    '$ chainctl iam identities delete',
    '--identity-token main.jwt',
    'error: [101] unable to exchange tokens',
    '(exit code 4, as it should be)',
    '/example.com/app:latest',
    '(exit code 1, as it should be)',
    'Done in ',
  ];
  let at = 0;
  for (const part of parts) {
    const found = out.indexOf(part, at);
    expect(found, `"${part}" after:\n${out.slice(0, at).slice(-300)}`).toBeGreaterThanOrEqual(at);
    at = found + part.length;
  }
  expect(out).not.toMatch(/\u001b/);
  // No secret is on the screen: neither a token nor a password.
  expect(out + err).not.toMatch(/eyJ[\w-]{20,}/);
  await expectNothingLeft(story.folder);
});

test('without skopeo, podman and docker it pulls by itself and says so', async () => {
  // The demo puts the folder of its node on PATH, so that must hold nothing else.
  const bin = world.path('bare-path');
  mkdirSync(bin);
  copyFileSync(process.execPath, join(bin, 'node'));
  chmodSync(join(bin, 'node'), 0o755);
  symlinkSync('/bin/sh', join(bin, 'sh'));
  const story = play({ PATH: bin }, join(bin, 'node'));
  const { code, out, err } = await story.ended;
  expect(code, out + err).toBe(0);
  expect(out).toContain('No skopeo, podman or running docker here, so the demo pulls by itself');
  expect(out.match(/layers, \d+ bytes, every digest checked/g)).toHaveLength(2);
  expect(out).toContain('pull: no token: 403');
  await expectNothingLeft(story.folder);
});

describe('Ctrl-C cleans up', () => {
  test.each([
    ['as soon as it has a folder', (story: Playing) => readdirSync(story.folder).length > 0],
    ['while the platform starts', (story: Playing) => story.text().includes('$ chainctl local start')],
    ['while somebody signs in', (story: Playing) => story.text().includes('$ chainctl auth login')],
    ['after Docker was configured', (story: Playing) => story.text().includes('Updated auth config')],
    ['while the pull token pulls', (story: Playing) => story.text().includes('are set.')],
  ])('%s', async (_, moment) => {
    const story = play();
    await until(() => moment(story), 'the moment has come');
    story.interrupt();
    const { code, out } = await story.ended;
    expect(code, out).toBe(130);
    expect(out).not.toContain('Done in');
    await expectNothingLeft(story.folder);
  });

  test('twice in a row, and an end by SIGTERM or a closed terminal too', async () => {
    const impatient = play();
    await until(() => impatient.text().includes('$ chainctl auth login'), 'it has begun');
    impatient.interrupt();
    await pause(30);
    impatient.interrupt();
    expect((await impatient.ended).code).toBe(130);
    await expectNothingLeft(impatient.folder);

    for (const [signal, expected] of [
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      const story = play();
      await until(() => story.text().includes('$ chainctl local start'), 'it has begun');
      story.interrupt(signal);
      expect((await story.ended).code).toBe(expected);
      await expectNothingLeft(story.folder);
    }
  });

  test('one that reaches the demo alone, without what it started', async () => {
    const story = play();
    await until(() => story.text().includes('$ skopeo') || story.text().includes('configure-docker'), 'it pulls');
    story.interruptAlone('SIGTERM');
    expect((await story.ended).code).toBe(143);
    await expectNothingLeft(story.folder);
  });

  test('nobody reading its output ends it as well', async () => {
    const folder = world.path('demo');
    mkdirSync(folder);
    const person = world.person('reader');
    const ran = await person.sh(
      `TMPDIR=${folder} node ${join(projectRoot, 'scripts', 'demo', 'story.mjs')} | head -n 5`,
    );
    expect(ran.code).toBe(0);
    await until(() => processesUsing(folder).length === 0, 'no process is left', 10_000);
    expect(readdirSync(folder)).toEqual([]);
  });
});
