// `events listen` as a process of its own, across a killed platform.

import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { demoOrganizations } from '../support/ids.ts';
import { createWorld, type Person, type RunningPlatform } from '../support/program.ts';
import { startReceiver } from '../support/receiver.ts';

const world = createWorld();
const here = '--parent=example.com';
const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function signIn(platform: RunningPlatform): Promise<Person> {
  const person = world.person('listener', platform);
  const token = person.write('me.jwt', await person.ok('local', 'token', '--data-dir', platform.dataDir), 0o600);
  await person.ok('auth', 'login', '--identity-token', token);
  return person;
}

/** The command while it runs. */
function listen(person: Person, ...flags: string[]) {
  const child = spawn('chainctl', ['events', 'listen', here, ...flags], {
    env: person.env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  ends.push(() => child.kill('SIGKILL'));
  const seen = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    seen.err += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { seen, ended, interrupt: () => child.kill('SIGINT') };
}

const until = (check: () => unknown) => expect.poll(check, { timeout: 30_000, interval: 50 });

test('one JSON object to a line, nothing lost over a killed platform, Ctrl-C ends it', async () => {
  const platform = await world.startPlatform();
  const person = await signIn(platform);
  const listening = listen(person, '-ojson');
  await until(() => listening.seen.err).toContain('Listening to the events of "example.com"; Ctrl-C stops.');
  await person.ok('iam', 'groups', 'create', 'first', here, '-y');
  await until(() => listening.seen.out.split('\n').length).toBe(2);
  const event = JSON.parse(listening.seen.out);
  expect(event).toMatchObject({
    specversion: '1.0',
    type: 'dev.chainguard.api.iam.group.created.v1',
    datacontenttype: 'application/json',
    data: { body: { name: 'first' } },
  });
  expect(listening.seen.out).not.toMatch(/bearer|eyJ/i);

  await platform.end('SIGKILL');
  const second = await world.startPlatform({ dataDir: platform.dataDir });
  expect(second.api).toBe(platform.api);
  await person.ok('iam', 'groups', 'create', 'second', here, '-y');
  await until(() => listening.seen.out).toContain('"name":"second"');
  const names = listening.seen.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).data.body.name);
  expect(names).toEqual(['first', 'second']);
  listening.interrupt();
  expect(await listening.ended).toBe(130);
});

test('handed on to a program of this machine with a token it can check; its failures are told', async () => {
  const platform = await world.startPlatform();
  const person = await signIn(platform);
  const receiver = await startReceiver(() => platform.issuer, demoOrganizations.private);
  ends.push(() => void receiver.close());
  const listening = listen(person, `--forward-to=${receiver.url}`);
  await until(() => listening.seen.err).toContain('Listening');
  await person.ok('iam', 'groups', 'create', 'first', here, '-y');
  await until(() => receiver.events.length).toBe(1);
  expect(receiver.refused).toEqual([]);
  await until(() => listening.seen.err).toMatch(
    /^2\d\d from http:\/\/127\.0\.0\.1:\d+ for dev\.chainguard\.api\.iam\.group\.created\.v1$/m,
  );
  await receiver.close();
  await person.ok('iam', 'groups', 'create', 'second', here, '-y');
  await until(() => listening.seen.err).toContain('warning: event not handed on: ');
  listening.interrupt();
  expect(await listening.ended).toBe(130);
});

test('a reader that stalls: a signal ends it all the same, and one that goes on gets everything', async () => {
  const platform = await world.startPlatform();
  const person = await signIn(platform);
  const api = await person.ok('auth', 'token');
  const groups: string[] = [];
  for (let count = 0; count < 5; count++) {
    groups.push(await person.ok('iam', 'groups', 'create', `group ${count}`, here, '-y', '-oid'));
  }
  /** More events than a pipe holds. */
  const happen = async (round: string) => {
    for (let count = 0; count < 150; count++) {
      const description = `${round} ${count} ${'x'.repeat(450)}`;
      const changed = await fetch(`${platform.api}/iam/v1/groups/${groups[count % 5]}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${api}` },
        body: JSON.stringify({ name: `group ${count % 5}`, description }),
      });
      expect(changed.status).toBe(200);
    }
  };
  const numbersIn = (text: string) =>
    [...text.matchAll(/"description":"\w+ (\d+) x/g)].map(([, number]) => Number(number));
  // A pipe of the shell: what Node gives its children is a socket.
  const reading = (script: string) =>
    person.sh(`(chainctl events listen ${here} -ojson 2> err & echo $! > pid; wait $!; echo $? > code) | ${script}`);
  const pid = async () => {
    await until(() => person.sh('cat err').then(({ out }) => out)).toContain('Listening');
    return Number(person.read('pid'));
  };

  // The shell passes the signal's number on where a signal ended it.
  const stalled = reading('{ head -c 10 > begun; sleep 8; }');
  const first = await pid();
  await happen('first');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  process.kill(first, 'SIGTERM');
  await until(() => person.sh('cat code 2>/dev/null').then(({ out }) => out)).toBe('143\n');
  await stalled;

  person.write('err', '');
  const slow = reading('{ head -c 1; sleep 5; cat; } > got');
  const second = await pid();
  await happen('second');
  await until(async () => numbersIn(person.read('got')).length).toBe(150);
  expect(numbersIn(person.read('got'))).toEqual(Array.from({ length: 150 }, (_, count) => count));
  // Nothing is in its way again, so it ends as it says.
  process.kill(second, 'SIGTERM');
  await slow;
  expect([person.read('code'), person.read('err')]).toEqual(['130\n', expect.stringContaining('Interrupted')]);
}, 60_000);

test('a platform without it, and a target elsewhere', async () => {
  const platform = await world.startPlatform();
  const person = await signIn(platform);
  const wrong = await person.chainctl(['events', 'listen', here, '--forward-to=http://example.com/']);
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain('`--forward-to` must be an https URL, or an http URL of this machine');

  // What a gateway says about a path it does not know.
  const gateway = createServer((_request, response) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"code":5,"message":"Not Found","details":[]}');
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  ends.push(() => gateway.close());
  const { port } = gateway.address() as AddressInfo;
  const elsewhere = ['--parent', demoOrganizations.private, `--api=http://127.0.0.1:${port}`];
  for (const words of [['listen'], ['deliveries', 'list']]) {
    const none = await person.chainctl(['events', ...words, ...elsewhere, `--audience=${platform.api}`]);
    expect(none.code).toBe(1);
    expect(none.err).toMatch(
      /^error: This platform does not offer the (stream of events|list of deliveries); a local one does\nhint: /,
    );
  }
});
