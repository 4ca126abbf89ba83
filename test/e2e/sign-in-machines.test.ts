// Ways in through the built program: a CI job as the public setup-chainctl action sets it up, a person at another device,
// a companion that keeps tokens fresh, a Kubernetes secret. And no secret of all that anywhere but in its store.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { signInAs } from '../support/browser.ts';
import {
  claimsOf,
  createWorld,
  type Person,
  programPath,
  type RunningPlatform,
  signIn,
  tokenFolder,
  until,
} from '../support/program.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const world = createWorld();
let platform: RunningPlatform;
let owner: Person;
/** Everything that was printed, and every secret there was. */
const printed: string[] = [];
const secrets = new Set<string>();

beforeAll(async () => {
  platform = await world.startPlatform({ flags: ['--seed=demo'] });
  owner = world.person('owner', platform);
  await signIn(owner, platform);
});

/** What GitHub's runner gives a job: an address that signs tokens, and steps that write into a file of variables. */
async function runner(repo: string) {
  const bearer = 'runner-secret-bearer';
  secrets.add(bearer);
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    if (request.headers.authorization !== `bearer ${bearer}`) return void response.writeHead(401).end();
    const value = await owner.ok(
      ...['local', 'token', 'github', `--repo=${repo}`, '--ref=refs/heads/main'],
      ...['--data-dir', platform.dataDir, `--audience=${url.searchParams.get('audience')}`],
    );
    secrets.add(value);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ value }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  const { port } = server.address() as AddressInfo;
  return {
    GITHUB_ACTIONS: 'true',
    CI: 'true',
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer,
  };
}

const servers: ReturnType<typeof createServer>[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

/** Where releases are downloaded from. What it hands out runs this build; the real one is a single file. */
async function releases(): Promise<string> {
  const program = `#!/bin/sh\nPATH='${dirname(process.execPath)}':$PATH exec '${programPath()}' "$@"\n`;
  const sum = createHash('sha256').update(program).digest('hex');
  const files: Record<string, string> = {
    '/chainctl/latest/chainctl_linux_x86_64': program,
    '/chainctl/latest/chainctl_checksums.txt': `${'0'.repeat(64)}  chainctl_darwin_arm64\n${sum}  chainctl_linux_x86_64\n`,
  };
  const server = createServer((request, response) => {
    const body = files[request.url ?? ''];
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function collectTokens(person: Person): void {
  for (const path of files(join(person.home, '.cache'))) {
    if (/\/(oidc|refresh)-token$/.test(path)) secrets.add(readFileSync(path, 'utf8'));
  }
}

function files(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => lstatSync(path).isFile());
}

test('the steps of setup-chainctl, on a simulated runner', async () => {
  const job = world.person('job', platform);
  const made = await owner.ok(
    ...['iam', 'identities', 'create', 'github', 'ci', '--github-repo=acme/app', '--github-ref=refs/heads/main'],
    ...['--parent=example.com', '--role=registry.pull', '-y', '-oid'],
  );
  const env = { ...(await runner('acme/app')), CHAINCTL_CONFIG: '', CHAINCTL_DEBUG: 'true' };
  const url = await releases();
  const script = `
set -eu
mkdir -p tools && cd tools
curl -fsSL -o chainctl_linux_x86_64 '${url}/chainctl/latest/chainctl_linux_x86_64'
curl -fsSL -o chainctl_checksums.txt '${url}/chainctl/latest/chainctl_checksums.txt'
sha256sum --check --ignore-missing chainctl_checksums.txt
mv chainctl_linux_x86_64 chainctl && chmod +x chainctl
PATH="$PWD:$PATH" && cd ..
chainctl version 2>&1 | grep -E 'GitVersion:[[:space:]]+' >/dev/null
chainctl auth login --identity ${made} -v=1
chainctl auth login --identity ${made} --audience libraries.cgr.dev -v=1
chainctl auth login --identity ${made} --audience apk.cgr.dev -v=1
chainctl auth configure-docker --identity ${made} -v=1
echo "HTTP_AUTH=basic:apk.cgr.dev:user:$(chainctl auth token --audience apk.cgr.dev)" >> github.env
chainctl auth status`;
  const ran = await job.sh(script, { env });
  printed.push(ran.out, ran.err);
  expect(ran.code, ran.err).toBe(0);
  expect(ran.out).toContain('chainctl_linux_x86_64: OK');
  const [, token = ''] = /^HTTP_AUTH=basic:apk\.cgr\.dev:user:(\S+)$/m.exec(job.read('github.env')) ?? [];
  expect(claimsOf(token)).toMatchObject({ sub: made, aud: 'apk.cgr.dev' });
  expect(JSON.parse(job.read('.docker/config.json')).credHelpers).toEqual({ [platform.registryHost]: 'cgr' });
  const got = await job.helper('get', platform.registryHost, { env });
  expect(JSON.parse(got.out)).toMatchObject({ Username: '_token', Secret: expect.stringMatching(/^eyJ/) });
  collectTokens(job);
});

test('on another device: address and check on stderr, the login in the cache, the mode remembered', async () => {
  const far = world.person('far', platform);
  const child = spawn('chainctl', ['auth', 'login', '--headless'], {
    env: far.env,
    cwd: far.home,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  const address = () => /authenticate: (\S+)\n/.exec(said.err)?.[1];
  await until(() => address() !== undefined, 'the address is shown');
  const page = await signInAs(address() ?? '', 'dev@example.com');
  expect(page.text).toContain('You are signed in');
  expect(await ended, said.err).toBe(0);
  expect(said.out).toMatch(/^Valid! Id: [0-9a-f]{40}\n$/);
  expect(said.err).toContain('Saving "headless" as default auth mode');
  expect(far.read('.config/chainctl/config.yaml')).toMatch(/mode: headless/);
  printed.push(said.out, said.err, page.text);
  collectTokens(far);
});

test('a companion keeps a token fresh from a file that is replaced, and stops when it is told to', async () => {
  const worker = world.person('worker', platform);
  const mint = (ttl: string) =>
    owner.ok('local', 'token', '--data-dir', platform.dataDir, '--email=dev@example.com', `--ttl=${ttl}`);
  const path = worker.write('token.jwt', await mint('1h'));
  const child = spawn('chainctl', ['auth', 'login', '--identity-token', path, '--refresh'], {
    env: worker.env,
    cwd: worker.home,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = new Promise<number>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? (signal ? 128 : 1))),
  );
  await until(() => err.includes('Keeping the login fresh'), 'the companion waits');
  expect(existsSync(join(tokenFolder(worker, platform.api), 'oidc-token'))).toBe(true);
  child.kill('SIGTERM');
  const code = await ended;
  expect([0, 130]).toContain(code);
  expect(err).not.toContain('error:');
  expect(files(join(worker.home, '.cache')).filter((file) => file.includes('.locks'))).toEqual([]);
  printed.push(err);
  secrets.add(readFileSync(path, 'utf8').trim());
  collectTokens(worker);
});

test('a Kubernetes secret from the saved pull token, made by kubectl', async () => {
  const cluster = world.person('cluster', platform);
  await signIn(cluster, platform);
  const saved = await cluster.chainctl(['auth', 'configure-docker', '--pull-token', '--save', '--parent=example.com']);
  expect(saved.code, saved.err).toBe(0);
  printed.push(saved.err);
  const script =
    'kubectl create secret generic cgr --type=kubernetes.io/dockerconfigjson ' +
    '--from-file=.dockerconfigjson=.docker/config.json --dry-run=client -o json';
  const made = await cluster.sh(script);
  expect(made.code, made.err).toBe(0);
  const secret = JSON.parse(made.out);
  expect(secret.type).toBe('kubernetes.io/dockerconfigjson');
  const config = JSON.parse(Buffer.from(secret.data['.dockerconfigjson'], 'base64').toString());
  const [id = '', token = ''] = Buffer.from(config.auths[platform.registryHost].auth, 'base64').toString().split(':');
  // What a kubelet does with it.
  const basic = Buffer.from(`${id}:${token}`).toString('base64');
  const scope = 'repository:example.com/python:pull';
  const answer = await fetch(`${platform.registry}/token?service=${platform.registryHost}&scope=${scope}`, {
    headers: { authorization: `Basic ${basic}` },
  });
  expect(answer.status).toBe(200);
  secrets.add(token);
  collectTokens(cluster);
});

test('no secret of all this was printed, logged or written outside its store', async () => {
  collectTokens(owner);
  expect(secrets.size).toBeGreaterThan(8);
  // A signature is what makes a token one; the rest may be decoded and shown.
  const needles = [...secrets].map((secret) => secret.split('.')[2] ?? secret);
  const streams = [...printed, platform.log()].join('\n');
  for (const needle of needles) expect(streams).not.toContain(needle);
  const stores = [
    /\/\.cache\/chainguard\/[^/]+\/(oidc|refresh)-token$/,
    /\/\.docker\/config\.json$/,
    // What the tests themselves were told to write.
    /\.jwt$/,
    /\/github\.env$/,
  ];
  const leaks = files(world.root).filter((path) => {
    if (stores.some((store) => store.test(path))) return false;
    const text = readFileSync(path, 'latin1');
    return needles.some((needle) => text.includes(needle));
  });
  expect(leaks).toEqual([]);
});
