// `chainctl doctor` against the real platform, real files and the clients that are on PATH.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { writeTokens } from '../../src/auth/token-cache.ts';
import { loopbackCertificate } from '../support/certificate.ts';
import { fakeHost } from '../support/fake-host.ts';
import { personId } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform, temporaryFolder } from '../support/platform.ts';
import { projectRoot } from '../support/program.ts';
import { type CliOptions, runCli } from '../support/run-cli.ts';

const clock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };
let platform: TestPlatform;
let registry: string;
let folder: string;
let env: Record<string, string>;

/** A file below the folder that stands for everything of this person. */
function write(path: string, content: string, mode = 0o600): string {
  const target = join(folder, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  chmodSync(target, mode);
  return target;
}

beforeEach(async () => {
  platform = await startTestPlatform({ clock });
  registry = new URL(platform.urls.registry).host;
  folder = temporaryFolder();
  mkdirSync(join(folder, 'bin'));
  env = {
    PATH: join(folder, 'bin'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    DOCKER_CONFIG: join(folder, 'docker'),
    CHAINGUARD_PLATFORM_API: platform.urls.api,
    CHAINGUARD_PLATFORM_ISSUER: platform.urls.issuer,
    CHAINGUARD_PLATFORM_REGISTRY: platform.urls.registry,
  };
  symlinkSync(process.execPath, join(folder, 'bin', 'node'));
  // What they are asked for here is their version; e2e asks the real ones for more.
  write('bin/podman', '#!/bin/sh\necho podman version 4.3.1\n', 0o755);
  write('bin/skopeo', '#!/bin/sh\necho skopeo version 1.9.3\n', 0o755);
  symlinkSync(join(projectRoot, 'bin', 'docker-credential-cgr.js'), join(folder, 'bin', 'docker-credential-cgr'));
  write('docker/config.json', JSON.stringify({ credHelpers: { [registry]: 'cgr' } }));
  const dev = personId('dev@example.com');
  for (const audience of [platform.urls.api, registry]) {
    writeTokens(fakeHost({ env }), audience, { token: await platform.token(dev, { audience }), refreshToken: null });
  }
});

interface Said {
  readonly wrong: string | null;
  readonly checks: readonly {
    readonly check: string;
    readonly state: string;
    readonly message: string;
    readonly file?: string;
    readonly key?: string;
    readonly fix?: string;
  }[];
}

async function doctor(words: readonly string[], options: CliOptions = {}) {
  const program = join(projectRoot, 'bin', 'chainctl.js');
  const all = { program, ...options, env: { ...env, ...options.env } };
  const ran = await runCli(['doctor', ...words, '--output=json'], all);
  const said = JSON.parse(ran.out) as Said;
  return { ...ran, said, last: said.checks.at(-1) };
}

test('everything in order is exit 0', async () => {
  const { code, said } = await doctor(['--for=docker']);
  expect(said.checks.filter(({ state }) => state === 'wrong')).toEqual([]);
  expect(code).toBe(0);
  expect(said.wrong).toBeNull();
  const { checks } = said;
  expect(checks.map(({ check }) => check)).toEqual(
    expect.arrayContaining(['network', 'login', 'helper', 'credentials']),
  );
});

test('nothing that is set up and nobody asked for is wrong', async () => {
  write('docker/config.json', '{}');
  const { code, said } = await doctor([], { env: { PATH: join(folder, 'none') } });
  expect(code).toBe(0);
  expect(said.checks.filter(({ check }) => check === 'helper')).toMatchObject([{ state: 'skip' }]);
});

test('a login of podman before the helper: file, key and the command', async () => {
  const file = write('run/containers/auth.json', JSON.stringify({ auths: { [registry]: { auth: 'YTpi' } } }));
  const { code, said, last, err } = await doctor(['--for=docker']);
  expect(code).toBe(1);
  expect(said.wrong).toBe('credentials');
  expect(last).toMatchObject({ file, key: `auths["${registry}"]`, state: 'wrong' });
  expect(last?.fix).toBe(`skopeo logout --authfile ${JSON.stringify(file)} ${registry}`);
  expect(JSON.parse(err)).toMatchObject({ reason: 'doctor.wrong' });
});

test('a helper that nobody has, one that is gone, one that is another program’s', async () => {
  const gone = join(folder, 'gone');
  mkdirSync(gone);
  symlinkSync('/nowhere', join(gone, 'docker-credential-cgr'));
  write('foreign/docker-credential-cgr', '#!/bin/sh\necho other\n', 0o755);
  const cases = [
    [join(folder, 'none'), /is not on PATH/, /configure-docker/],
    [gone, /is a link to a helper that is no longer there/, /configure-docker/],
    [`${join(folder, 'foreign')}:${env['PATH']}`, /comes first on PATH and is the helper of another/, /^export PATH=/],
  ] as const;
  for (const [PATH, message, fix] of cases) {
    const { code, said, last } = await doctor(['--for=docker'], { env: { PATH } });
    expect(code).toBe(1);
    expect(said.wrong).toBe('helper');
    expect(last?.message).toMatch(message);
    expect(last?.key).toBe('PATH');
    expect(last?.fix).toMatch(fix);
  }
});

test('a file of Docker that cannot be read', async () => {
  const file = write('docker/config.json', '{oops');
  const { said, last } = await doctor(['--for=docker']);
  expect(said.wrong).toBe('docker-config');
  expect(last).toMatchObject({ message: `"${file}" is not valid JSON`, file });
});

test('sudo reads the configuration of root', async () => {
  const theirs = write('alice/.docker/config.json', JSON.stringify({ credHelpers: { [registry]: 'cgr' } }));
  const mine = write('docker/config.json', '{}');
  const sudo = { SUDO_USER: 'alice', SUDO_HOME: join(folder, 'alice') };
  const { said, last } = await doctor([], { env: sudo });
  expect(said.wrong).toBe('sudo');
  expect(last).toMatchObject({ file: mine, key: 'SUDO_USER' });
  expect(last?.message).toContain(theirs);
});

test('a clock that is off, a proxy that is none, a platform that is not there', async () => {
  const slow = await doctor([], { now: Date.now() - 300_000 });
  expect(slow.said.wrong).toBe('clock');
  expect(slow.last?.message).toBe("The clock of this machine is 5 minutes behind the issuer's, so tokens are refused");
  expect(slow.last?.fix).toBe('sudo timedatectl set-ntp true');

  const proxy = {
    CHAINGUARD_PLATFORM_ISSUER: 'https://issuer.invalid',
    HTTPS_PROXY: 'http://user:hunter2@127.0.0.1:1',
  };
  const proxied = await doctor([], { env: proxy });
  expect(proxied.last).toMatchObject({
    check: 'network',
    key: 'HTTPS_PROXY',
    fix: 'export NO_PROXY="$NO_PROXY,issuer.invalid"',
  });
  expect(proxied.out).not.toContain('hunter2');
  const bad = await doctor([], { env: { ...proxy, HTTPS_PROXY: 'ftp://x' } });
  expect(bad.last).toMatchObject({
    check: 'network',
    key: 'HTTPS_PROXY',
    message: 'HTTPS_PROXY is not the address of a proxy',
  });

  const gone = await doctor([], { env: { CHAINGUARD_PLATFORM_ISSUER: 'http://127.0.0.1:1' } });
  expect(gone.last).toMatchObject({ key: 'CHAINGUARD_PLATFORM_ISSUER', fix: 'chainctl local start' });
});

test('a login that has expired, one that the issuer refuses, a keychain that is not there', async () => {
  const late = await doctor([], { env: { XDG_CACHE_HOME: join(folder, 'empty') } });
  expect(late.last).toMatchObject({ check: 'login', fix: 'chainctl auth login' });
  expect(late.last?.file).toContain(join(folder, 'empty', 'chainguard'));

  const refused = join(folder, 'refused');
  const token = `${(await platform.token(personId('dev@example.com'))).split('.').slice(0, 2).join('.')}.AAAA`;
  const other = { ...env, XDG_CACHE_HOME: refused };
  writeTokens(fakeHost({ env: other }), platform.urls.api, { token, refreshToken: null });
  const { last } = await doctor([], { env: other });
  expect(last).toMatchObject({ check: 'login', state: 'wrong', fix: 'chainctl auth login' });

  const none = await doctor([], { env: { CHAINGUARD_AUTH_TOKEN_STORE: 'keychain' } });
  expect(none.last).toMatchObject({ check: 'keychain', key: 'CHAINGUARD_AUTH_TOKEN_STORE' });
});

test('a configuration that cannot be read is the first thing that is wrong', async () => {
  const file = write('config.yaml', 'a: [');
  const { code, said, last } = await doctor([], { env: { CHAINCTL_CONFIG: file } });
  expect(code).toBe(1);
  expect(said.wrong).toBe('configuration');
  expect(last?.file).toBe(file);
});

test('npm: which file or variable names the registry, and a credential that has expired', async () => {
  const url = `${platform.urls.registry}/javascript/`;
  const userconfig = write('npmrc', `registry=https://registry.example/\n`);
  const elsewhere = await doctor(['--for=npm'], { env: { npm_config_userconfig: userconfig } });
  expect(elsewhere.last).toMatchObject({
    check: 'npm',
    file: userconfig,
    key: 'registry',
    fix: 'chainctl auth configure-npm',
  });
  const byVariable = await doctor(['--for=npm'], { env: { NPM_CONFIG_REGISTRY: 'https://registry.example/' } });
  expect(byVariable.last).toMatchObject({ key: 'NPM_CONFIG_REGISTRY', fix: 'unset NPM_CONFIG_REGISTRY' });

  const claims = Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1000) - 7200 })).toString('base64url');
  write('npmrc', `registry=${url}\n//${registry}/javascript/:_authToken=e30.${claims}.x\n`);
  const old = await doctor(['--for=npm'], { env: { npm_config_userconfig: userconfig } });
  expect(old.last?.message).toBe('The credential of npm has expired 2 hours ago');
  write('npmrc', `registry=${url}\n//${registry}/javascript/:_authToken=\${NO_SUCH_TOKEN}\n`);
  const unset = await doctor(['--for=npm'], { env: { npm_config_userconfig: userconfig } });
  expect(unset.last?.message).toBe('The credential of npm is in NO_SUCH_TOKEN, which is not set');
});

test('pip: the index, and .netrc that others can read', async () => {
  const other = await doctor(['--for=pip'], { env: { PIP_INDEX_URL: 'https://pypi.example/simple' } });
  expect(other.last).toMatchObject({ check: 'pip', key: 'PIP_INDEX_URL' });
  const index = { PIP_INDEX_URL: 'https://libraries.cgr.dev/python/simple/' };
  const none = await doctor(['--for=pip'], { env: { ...index, NETRC: join(folder, 'netrc') } });
  expect(none.last).toMatchObject({ check: 'netrc', state: 'wrong', key: 'machine libraries.cgr.dev' });
  const file = write(
    'netrc',
    'machine example.com login a password b\nmachine libraries.cgr.dev\n login c\n password d\n',
    0o644,
  );
  const open = await doctor(['--for=pip'], { env: { ...index, NETRC: file } });
  expect(open.last?.fix).toBe(`chmod 600 ${JSON.stringify(file)}`);
  chmodSync(file, 0o600);
  expect((await doctor(['--for=pip'], { env: { ...index, NETRC: file } })).code).toBe(0);
});

test('pip: a file of its own, a credential in the address, and .netrc without a password or one that has expired', async () => {
  const config = write('pip/pip.conf', '[global]\nindex-url = https://pypi.example/simple\n');
  const named = await doctor(['--for=pip'], { env: { PIP_CONFIG_FILE: config } });
  expect(named.last).toMatchObject({ check: 'pip', state: 'wrong', file: config, key: 'index-url' });
  expect(named.last?.fix).toBe('pip config set global.index-url https://libraries.cgr.dev/python/simple/');
  const expired = expiredToken();
  const index = `https://user:${expired}@libraries.cgr.dev/python/simple/`;
  const inAddress = await doctor(['--for=pip'], { env: { PIP_INDEX_URL: index } });
  expect(inAddress.last?.message).toMatch(/^The credential in the address of the index has expired 1 hour ago$/);
  expect(inAddress.out).not.toContain(expired);
  const good = { PIP_INDEX_URL: 'https://libraries.cgr.dev/python/simple/' };
  const netrc = write('netrc', `machine libraries.cgr.dev login user password ${expired}\n`);
  const old = await doctor(['--for=pip'], { env: { ...good, NETRC: netrc } });
  expect(old.last).toMatchObject({ check: 'netrc', state: 'wrong', file: netrc, key: 'machine libraries.cgr.dev' });
  expect(old.last?.message).toContain('has expired 1 hour ago');
  write('netrc', 'machine libraries.cgr.dev login user\n');
  const empty = await doctor(['--for=pip'], { env: { ...good, NETRC: netrc } });
  expect(empty.last?.message).toBe(`The credential in "${netrc}" has no password`);
});

/** Of an hour ago. */
function expiredToken(): string {
  const exp = Math.floor(Date.now() / 1000) - 3600;
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part({ exp })}.c2ln`;
}

describe('kubectl', () => {
  /** Answers as kubectl does; what a cluster says is in the files. */
  const kubectl = (context: string, secrets: object | undefined, account: object = {}): void => {
    write('secrets.json', `${JSON.stringify(secrets ?? {})}\n`);
    write('account.json', `${JSON.stringify(account)}\n`);
    const lines = [
      '#!/bin/sh',
      'case "$1 $2" in',
      '"help "*) echo usage ;;',
      `"config current-context") ${context === '' ? 'exit 1' : `echo ${context}`} ;;`,
      `"get secrets") ${secrets === undefined ? 'exit 1' : `read -r line < ${join(folder, 'secrets.json')}; echo "$line"`} ;;`,
      `"get serviceaccount") read -r line < ${join(folder, 'account.json')}; echo "$line" ;;`,
      'esac',
    ];
    write('bin/kubectl', `${lines.join('\n')}\n`, 0o755);
  };
  const secret = (password: string) => {
    const auths = { [registry]: { auth: Buffer.from(`user:${password}`).toString('base64') } };
    const file = Buffer.from(JSON.stringify({ auths })).toString('base64');
    return { items: [{ metadata: { name: 'regcred' }, data: { '.dockerconfigjson': file } }] };
  };
  const look = async () => (await doctor(['--for=kubectl'])).said.checks.filter(({ check }) => check === 'kubectl');

  test('not there, without a context, and a cluster that shows no secrets', async () => {
    expect(await look()).toMatchObject([{ state: 'wrong', message: 'kubectl is not on PATH', key: 'PATH' }]);
    kubectl('', undefined);
    expect(await look()).toMatchObject([
      { state: 'wrong', key: 'current-context', fix: 'kubectl config get-contexts' },
    ]);
    kubectl('kind', undefined);
    expect(await look()).toMatchObject([{ state: 'wrong', fix: 'kubectl auth can-i list secrets' }]);
  });

  test('no pull secret, one that has expired, and one that pods do or do not use', async () => {
    kubectl('kind', { items: [] });
    const [none] = await look();
    expect(none).toMatchObject({ state: 'wrong', key: 'type=kubernetes.io/dockerconfigjson' });
    expect(none?.fix).toContain(`--docker-server=${registry}`);
    kubectl('kind', secret(expiredToken()));
    expect(await look()).toMatchObject([
      { state: 'wrong', key: 'secret/regcred', fix: 'kubectl delete secret regcred' },
    ]);
    kubectl('kind', secret('opaque'));
    expect((await look()).at(-1)).toMatchObject({
      state: 'note',
      fix: expect.stringContaining('kubectl patch serviceaccount'),
    });
    kubectl('kind', secret('opaque'), { imagePullSecrets: [{ name: 'regcred' }] });
    expect((await look()).map(({ state }) => state)).toEqual(['ok', 'ok']);
  });
});

test('a certificate of an authority that nobody knows: the variable and the file that decided', async () => {
  const server = createServer(loopbackCertificate(folder));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const issuer = { CHAINGUARD_PLATFORM_ISSUER: `https://127.0.0.1:${port}` };
    const none = await doctor([], { env: issuer });
    expect(none.last).toMatchObject({ check: 'network', key: 'SSL_CERT_FILE' });
    expect(none.last?.fix).toBe('export SSL_CERT_FILE=/path/to/the/authority.pem');
    const other = write('other.pem', '');
    const given = await doctor([], { env: { ...issuer, SSL_CERT_FILE: other } });
    expect(given.last).toMatchObject({ check: 'network', key: 'SSL_CERT_FILE' });
  } finally {
    server.close();
  }
});

test("sudo with the home folder of who called it, and with a configuration of root's own", async () => {
  const checks = async (env: Record<string, string>) =>
    (await doctor(['--for=docker'], { env })).said.checks.filter(({ check }) => check === 'sudo');
  const own = await checks({ SUDO_USER: 'alice', SUDO_HOME: join(folder, 'alice') });
  expect(own).toMatchObject([{ state: 'ok', message: 'This runs by sudo, with the configuration of root' }]);
  const unknown = await checks({ SUDO_USER: 'nobody-of-that-name' });
  expect(unknown).toMatchObject([{ state: 'ok', message: expect.stringContaining('with the home folder') }]);
});

test('ci: a workflow that may not ask for a token', async () => {
  const job = {
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKFLOW_REF: 'acme/app/.github/workflows/pull.yaml@refs/heads/main',
  };
  const { last } = await doctor(['--for=ci'], { env: job });
  expect(last).toMatchObject({ file: '.github/workflows/pull.yaml', key: 'permissions.id-token' });
  expect(last?.fix).toContain('id-token: write');
});

test('the report goes on behind what is wrong, and holds nothing of a person', async () => {
  write('run/containers/auth.json', JSON.stringify({ auths: { [registry]: { auth: 'YTpi' } } }));
  const program = join(projectRoot, 'bin', 'chainctl.js');
  const secret = 'c3VwZXJzZWNyZXQ';
  const more = {
    HTTPS_PROXY: `http://alice:${secret}@127.0.0.1:1`,
    PIP_INDEX_URL: `https://alice:${secret}@pypi.example/`,
  };
  const { code, out, host } = await runCli(['doctor', '--report'], { program, env: { ...env, ...more } });
  expect(code).toBe(1);
  expect(out).toContain('wrong credentials: ');
  expect(out).toMatch(/^skip {2}kubectl: /m);
  expect(out).toContain('HTTPS_PROXY');
  for (const hidden of [secret, 'alice', host.home(), '@example.com']) expect(out).not.toContain(hidden);
  expect(out).toContain('"~/.netrc"');
});

test('a flag that does not fit is exit 2', async () => {
  expect((await runCli(['doctor', '--for=npm', '--image=x/y'], { env })).code).toBe(2);
  expect((await runCli(['doctor', '--for=dokcer'], { env })).code).toBe(2);
});
