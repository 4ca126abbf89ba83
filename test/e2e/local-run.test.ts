// `local run` around programs that know nothing of us: the npm package that GitHub's actions use, installed in a folder of its own.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const program = join(import.meta.dirname, '../../bin/chainctl.js');
let folder: string;
let env: NodeJS.ProcessEnv;

function chainctl(...words: string[]): { code: number; out: string; err: string } {
  try {
    const out = execFileSync(process.execPath, [program, ...words], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { code: 0, out, err: '' };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { code: status, out: stdout, err: stderr };
  }
}

const dataDir = () => ['--data-dir', join(folder, 'platform')];
const leftovers = () => readdirSync(folder).filter((name) => name.startsWith('chainctl-run-'));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainctl-local-run-'));
  env = { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, XDG_CACHE_HOME: join(folder, 'cache') };
  expect(chainctl('local', 'start', '--detach', ...dataDir()).code).toBe(0);
}, 60_000);
afterAll(() => {
  chainctl('local', 'stop', ...dataDir());
  rmSync(folder, { recursive: true, force: true });
});

test('getIDToken of @actions/core gets the token of the job', { timeout: 120_000 }, () => {
  const project = join(folder, 'project');
  execFileSync('npm', ['install', '--prefix', project, '--no-audit', '--no-fund', '--silent', '@actions/core@1.11.1'], {
    env: { ...process.env, HOME: folder },
  });
  const script = join(project, 'token.cjs');
  writeFileSync(
    script,
    `const core = require('@actions/core');
core.getIDToken('https://issuer.example').then(
  (token) => console.log('CLAIMS ' + Buffer.from(token.split('.')[1], 'base64url').toString()),
  (error) => { console.error(error); process.exit(9); },
);`,
  );
  const words = ['--as=github:acme/app@main', '--environment=production', ...dataDir(), '--', process.execPath, script];
  const { code, out, err } = chainctl('local', 'run', ...words);
  expect([code, err]).toEqual([0, '']);
  const claims = JSON.parse(/CLAIMS (.*)/.exec(out)?.[1] ?? '{}');
  expect(claims).toMatchObject({
    iss: 'https://token.actions.githubusercontent.com',
    aud: 'https://issuer.example',
    repository: 'acme/app',
    ref: 'refs/heads/main',
    environment: 'production',
  });
  expect(claims.sub).toMatch(/^repo:acme@\d+\/app@\d+:environment:production$/);
  expect(leftovers()).toEqual([]);
});

test.each([
  ['gitlab:acme/app@main', 'printf %s "$CHAINGUARD_ID_TOKEN"', 'project_path:acme/app:ref_type:branch:ref:main'],
  [
    'buildkite:acme/app@main',
    'buildkite-agent oidc request-token --audience x',
    /^organization:acme:pipeline:app:ref:refs\/heads\/main:/,
  ],
  ['kubernetes:apps/puller', 'cat "$TOKEN_FILE"', 'system:serviceaccount:apps:puller'],
])('%s has its token', (as, script, subject) => {
  const { code, out, err } = chainctl('local', 'run', '--as', as, ...dataDir(), '--', 'sh', '-c', script);
  expect([code, err]).toEqual([0, '']);
  const { sub } = JSON.parse(Buffer.from(out.split('.')[1] ?? '', 'base64url').toString());
  if (typeof subject === 'string') expect(sub).toBe(subject);
  else expect(sub).toMatch(subject);
  expect(leftovers()).toEqual([]);
});

// The calls of chainguard-dev/setup-chainctl (protocols 8.4), with the variables that its composite steps set.
test('the steps of setup-chainctl sign in as the identity of the job', { timeout: 60_000 }, () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'chainctl'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 });
  const addresses = Object.fromEntries(
    [...chainctl('local', 'env', ...dataDir()).out.matchAll(/^export (\w+)='?([^'\n]*)'?$/gm)].map(([, key, value]) => [
      key,
      value,
    ]),
  );
  env = { ...env, ...addresses, PATH: `${bin}:${env['PATH']}` };
  const token = chainctl('local', 'token', '--email=dev@example.com', ...dataDir()).out.trim();
  const file = join(folder, 'token');
  writeFileSync(file, token, { mode: 0o600 });
  expect(chainctl('auth', 'login', '--identity-token', file).code).toBe(0);
  const made = chainctl(
    ...['iam', 'identities', 'create', 'github', 'ci', '--github-repo=acme/app', '--github-ref=refs/heads/main'],
    ...['--parent=example.com', '--role=registry.pull', '--yes', '--output=id'],
  );
  const identity = made.out.trim();
  const variables = join(folder, 'github.env');
  const step = `
chainctl auth login --identity "$IDENTITY" -v="$VERBOSITY"
chainctl auth login --identity "$IDENTITY" --audience "$LIBRARIES_HOST" -v="$VERBOSITY"
chainctl auth login --identity "$IDENTITY" --audience "$APK_HOST" -v="$VERBOSITY"
chainctl auth configure-docker --identity "$IDENTITY" -v="$VERBOSITY"
echo HTTP_AUTH="basic:$APK_HOST:user:$(chainctl auth token --audience "$APK_HOST")" >> "$GITHUB_ENV"`;
  const steps = (as: string) => {
    const set = [
      `IDENTITY=${identity}`,
      'VERBOSITY=0',
      'CHAINCTL_DEBUG=true',
      'CHAINCTL_CONFIG=',
      `GITHUB_ENV=${variables}`,
    ];
    const hosts = ['LIBRARIES_HOST=libraries.cgr.dev', 'APK_HOST=apk.cgr.dev'];
    const words = ['env', ...set, ...hosts, 'bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c', step];
    return chainctl('local', 'run', `--as=${as}`, ...dataDir(), '--', ...words);
  };
  expect(steps('github:acme/app@main')).toMatchObject({ code: 0 });
  const [, job = ''] = /^HTTP_AUTH=basic:apk\.cgr\.dev:user:(\S+)$/m.exec(readFileSync(variables, 'utf8')) ?? [];
  expect(JSON.parse(Buffer.from(job.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
    sub: identity,
    aud: 'apk.cgr.dev',
  });
  // Another branch is not the one that the identity admits.
  const refused = steps('github:acme/app@other');
  expect(refused.code).not.toBe(0);
  expect(refused.err).toContain('chainctl iam identities test');
  expect(leftovers()).toEqual([]);
});

test('exit codes and signals pass through, and nothing stays', { timeout: 30_000 }, async () => {
  const run = (...command: string[]) => ['local', 'run', '--as=github:acme/app', ...dataDir(), '--', ...command];
  expect(chainctl(...run('sh', '-c', 'exit 7'))).toEqual({ code: 7, out: '', err: '' });
  const child = spawn(
    process.execPath,
    [program, ...run('sh', '-c', 'trap "echo got it; exit 5" TERM; echo ready; while :; do sleep 0.1; done')],
    {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let out = '';
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      out += chunk;
      if (out.includes('ready')) resolve();
    });
  });
  child.kill('SIGTERM');
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect([code, out]).toEqual([5, 'ready\ngot it\n']);
  expect(leftovers()).toEqual([]);
});
