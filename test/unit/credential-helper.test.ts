// The Docker helper as Docker runs it: a process of its own, Docker's words on its standard input.

import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { closeTransport } from '../../src/api/transport.ts';
import { decodeClaims } from '../../src/auth/jwt.ts';
import { login } from '../../src/auth/login.ts';
import { audienceOfRegistry } from '../../src/auth/session.ts';
import { audiencePath, readTokens, writeTokens } from '../../src/auth/token-cache.ts';
import { loadConfig } from '../../src/config/load.ts';
import { hostOf } from '../../src/docker/helper-request.ts';
import { tokenForRegistry } from '../../src/docker/registry-token.ts';
import { signInAs } from '../support/browser.ts';
import { bundle } from '../support/bundle.ts';
import { type FakeHost, fakeHost } from '../support/fake-host.ts';
import { personId } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { stubServer } from '../support/stub-server.ts';
import { makeToken, someUser } from '../support/tokens.ts';

// Processes and sockets on a machine that others use as well.
vi.setConfig({ testTimeout: 30_000 });

let built: Awaited<ReturnType<typeof bundle>>;

beforeAll(async () => {
  built = await bundle(new URL('../../src/credential-helper.ts', import.meta.url).pathname);
  writeFileSync(join(built.folder, 'run.cjs'), 'require("./entry.cjs").runHelper();\n');
});
afterAll(() => built.remove());

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(host: FakeHost, words: readonly string[], input = '', env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(built.folder, 'run.cjs'), ...words], {
      cwd: host.cwd,
      env: { PATH: process.env['PATH'], HOME: host.home(), ...host.env, ...env },
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      err += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

const notFound: Run = { code: 1, out: 'credentials not found in native keychain\n', err: '' };
const soon = () => Math.floor(Date.now() / 1000);

function cache(host: FakeHost, audience: string, lifeSeconds: number): string {
  const token = makeToken({ aud: audience, exp: soon() + lifeSeconds });
  writeTokens(host, audience, { token, refreshToken: null });
  return token;
}

describe('a good token', () => {
  test.each([
    ['/dev/full', 1, 'docker-credential-cgr: Cannot write "standard output": the disk is full\n'],
    ['&-', 1, 'docker-credential-cgr: standard output is closed, so no answer can be written\n'],
    // Thrown away on purpose.
    ['/dev/null', 0, ''],
  ])('that goes to %s', async (where, expected, said) => {
    const host = fakeHost();
    cache(host, 'cgr.dev', 3600);
    const script = join(built.folder, 'run.cjs');
    const child = spawn('sh', ['-c', `echo cgr.dev | "${process.execPath}" "${script}" get >${where}`], {
      env: { HOME: host.home(), ...host.env },
    });
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      err += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect([code, err]).toEqual([expected, said]);
  });

  test('is printed with the server as it was asked for', async () => {
    const host = fakeHost();
    const token = cache(host, 'cgr.dev', 3600);
    for (const [asked, input] of [
      ['cgr.dev', 'cgr.dev'],
      ['cgr.dev', 'cgr.dev\n'],
      ['https://CGR.dev/v2/', ' https://CGR.dev/v2/\r\n'],
      ['skills.cgr.dev', 'skills.cgr.dev\n'],
    ]) {
      const { code, out, err } = await run(host, ['get'], input);
      expect({ code, err, out: JSON.parse(out) }, input).toEqual({
        code: 0,
        err: '',
        out: { ServerURL: asked, Username: '_token', Secret: token },
      });
      expect(out.endsWith('}\n') && !out.slice(0, -1).includes('\n')).toBe(true);
    }
  });

  test('a port is part of the host, and another host’s entry wins over cgr.dev', async () => {
    const host = fakeHost();
    cache(host, 'cgr.dev', 3600);
    const local = cache(host, 'localhost:5000', 3600);
    const apk = cache(host, 'apk.cgr.dev', 3600);
    expect(JSON.parse((await run(host, ['get'], 'http://localhost:5000')).out).Secret).toBe(local);
    expect(JSON.parse((await run(host, ['get'], 'apk.cgr.dev')).out).Secret).toBe(apk);
    expect(await run(host, ['get'], 'localhost')).toEqual(notFound);
  });

  test('is found below XDG_CACHE_HOME, without any home folder', async () => {
    const host = fakeHost();
    host.env['XDG_CACHE_HOME'] = join(host.root, 'xdg');
    const token = cache(host, 'cgr.dev', 3600);
    const { out } = await run(host, ['get'], 'cgr.dev', { HOME: '' });
    expect(JSON.parse(out).Secret).toBe(token);
  });

  test('a corrupt configuration does not matter to it', async () => {
    const host = fakeHost();
    const token = cache(host, 'cgr.dev', 3600);
    mkdirSync(join(host.home(), '.config', 'chainctl'), { recursive: true });
    writeFileSync(join(host.home(), '.config', 'chainctl', 'config.yaml'), '{{{');
    expect(JSON.parse((await run(host, ['get'], 'cgr.dev')).out).Secret).toBe(token);
    cache(host, 'cgr.dev', 10);
    const { code, out, err } = await run(host, ['get'], 'cgr.dev');
    expect([code, out]).toEqual([1, notFound.out]);
    expect(err).toMatch(/^docker-credential-cgr: ".*config\.yaml" is not valid YAML: line 1: .*\n$/);
  });
});

describe('no token', () => {
  test('hosts of others, and names that are none', async () => {
    const host = fakeHost();
    cache(host, 'cgr.dev', 3600);
    for (const server of [
      'docker.io',
      'cgr.dev.evil.example',
      'evilcgr.dev',
      '..',
      '../cgr.dev',
      '.cgr.dev',
      'user@cgr.dev',
      'a b',
      '/',
      'a'.repeat(256),
      'a'.repeat(3_000_000),
      `${'a.'.repeat(40_000)}cgr.dev`,
      'cgr.dev\ndocker.io',
      'cgr.dev\0',
      '\x7fELF\x01\u{ffff}'.repeat(1000),
    ]) {
      expect(await run(host, ['get'], server), server.slice(0, 50)).toEqual(notFound);
    }
    expect(await run(host, ['get'], ' \n')).toEqual({ code: 1, out: 'no credentials server URL\n', err: '' });
  });

  test('ours, but no login: not found, so that public images still come, and one line why', async () => {
    const host = fakeHost({ env: { CI: 'true' } });
    expect(await run(host, ['get'], 'cgr.dev')).toEqual({
      ...notFound,
      err: 'docker-credential-cgr: Not authenticated: no login for "cgr.dev"; run `chainctl auth login --audience=cgr.dev`\n',
    });
  });

  test('a cache that others can read, and one that cannot be read', async () => {
    const host = fakeHost();
    cache(host, 'cgr.dev', 3600);
    const file = join(audiencePath(host, 'cgr.dev'), 'oidc-token');
    chmodSync(file, 0o644);
    expect(await run(host, ['get'], 'cgr.dev')).toEqual({
      ...notFound,
      err: `docker-credential-cgr: "${file}" can be read by others; run \`chmod 600 ${file}\`\n`,
    });
    chmodSync(file, 0o600);
    writeFileSync(file, Buffer.from([0, 255, 10, 46, 46]));
    const { code, out } = await run(host, ['get'], 'cgr.dev', { CI: '1' });
    expect([code, out]).toEqual([1, notFound.out]);
  });

  test('hostOf', () => {
    expect(hostOf('https://Registry.Example:8080/v2/x')).toBe('registry.example:8080');
    expect(hostOf('[::1]:5000')).toBe('[::1]:5000');
    for (const text of ['', 'a\nb', '-x', 'x-', 'a:b', 'a:123456', 'a?b', 'a\\b', '%2e%2e'])
      expect(hostOf(text), text).toBeUndefined();
  });
});

describe('the other actions', () => {
  test('version, help, unknown words and wrong counts', async () => {
    const host = fakeHost();
    expect(await run(host, ['version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^docker-credential-cgr /),
    });
    expect(await run(host, ['--version'])).toMatchObject({ code: 0 });
    expect(await run(host, ['--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('get|store|erase|list'),
    });
    expect(await run(host, ['steal'])).toEqual({
      code: 1,
      out: 'docker-credential-cgr: unknown action: steal\n',
      err: '',
    });
    for (const words of [[], ['get', 'cgr.dev']]) {
      expect(await run(host, words)).toMatchObject({ code: 1, out: expect.stringMatching(/^Usage: /) });
    }
  });

  test('store keeps nothing; a pull token is pointed to where it belongs', async () => {
    const host = fakeHost();
    const give = (value: unknown) => run(host, ['store'], typeof value === 'string' ? value : JSON.stringify(value));
    const good = { ServerURL: 'cgr.dev', Username: '_token', Secret: 's3cret' };
    expect(await give(good)).toEqual({ code: 0, out: '', err: '' });
    const refused = await give({ ...good, Username: `${someUser}/${'b'.repeat(16)}` });
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining('--pull-token --save'), err: '' });
    expect(refused.out).not.toContain('s3cret');
    expect((await give({ ...good, ServerURL: '' })).out).toBe('no credentials server URL\n');
    expect((await give({ ...good, Username: '' })).out).toBe('no credentials username\n');
    expect((await give('{"ServerURL": "cgr')).code).toBe(1);
    expect((await give('null')).code).toBe(1);
    expect(existsSync(join(host.home(), '.cache'))).toBe(false);
  });

  test('list and erase', async () => {
    const host = fakeHost();
    expect(await run(host, ['list'], 'unused')).toEqual({ code: 0, out: '{}\n', err: '' });
    cache(host, 'cgr.dev', 3600);
    cache(host, 'localhost:5000', 3600);
    cache(host, 'https://console-api.enforce.dev', 3600);
    expect(JSON.parse((await run(host, ['list'])).out)).toEqual({
      'https://cgr.dev': '_token',
      'https://localhost:5000': '_token',
    });
    expect(await run(host, ['erase'], 'https://cgr.dev\n')).toEqual({ code: 0, out: '', err: '' });
    expect(await run(host, ['erase'], 'cgr.dev')).toEqual({ code: 0, out: '', err: '' });
    expect(await run(host, ['erase'], '')).toEqual({ code: 1, out: 'no credentials server URL\n', err: '' });
    expect(readTokens(host, 'cgr.dev').token).toBeUndefined();
    expect(readTokens(host, 'localhost:5000').token).toBeDefined();
  });
});

describe('a token that is running out, at a real issuer', () => {
  interface World {
    readonly platform: TestPlatform;
    readonly host: FakeHost;
    readonly registry: string;
    readonly env: Record<string, string>;
    exchanges(): number;
  }

  /** Logged in to API and registry through a browser; the registry's token has half a minute left. */
  async function world(audiences: (registry: string, api: string) => string[]): Promise<World> {
    const clock = new TestClock(Date.now());
    const platform = await startTestPlatform({ clock });
    const env = {
      CHAINGUARD_PLATFORM_API: platform.urls.api,
      CHAINGUARD_PLATFORM_ISSUER: platform.urls.issuer,
      CHAINGUARD_PLATFORM_REGISTRY: platform.urls.registry,
      CI: 'true',
    };
    const host = fakeHost({ now: clock.now(), browser: (url) => signInAs(url, 'dev@example.com').then(() => true) });
    const login_ = fakeHost({ env });
    const config = await loadConfig(login_);
    const registry = audienceOfRegistry(platform.urls.registry);
    await login(host, config, { audience: audiences(registry, platform.urls.api) });
    await closeTransport(host);
    const short = await platform.token(personId('dev@example.com'), { audience: registry, ttlSeconds: 30 });
    writeTokens(host, registry, { token: short, refreshToken: undefined });
    return {
      platform,
      host,
      registry,
      env,
      exchanges: () => platform.log.filter(({ path }) => path.startsWith('/sts/')).length,
    };
  }

  test('twenty helpers at once: one refresh, twenty right answers', async () => {
    const { host, registry, env, exchanges } = await world((own) => [own]);
    const before = exchanges();
    const runs = await Promise.all(Array.from({ length: 20 }, () => run(host, ['get'], `${registry}\n`, env)));
    const token = readTokens(host, registry).token;
    expect(decodeClaims(token ?? '')).toMatchObject({ aud: registry });
    for (const { code, out, err } of runs) {
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(JSON.parse(out)).toEqual({ ServerURL: registry, Username: '_token', Secret: token });
    }
    expect(exchanges()).toBe(before + 1);
  }, 60_000);

  test('without the configuration, the record of the login says where to go', async () => {
    const { host, registry, exchanges } = await world((own) => [own]);
    const before = exchanges();
    const { code, err } = await run(host, ['get'], registry, { CI: 'true' });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(exchanges()).toBe(before + 1);
  });

  test('a token file alone sends no secret anywhere', async () => {
    const { host, registry, exchanges } = await world((own) => [own]);
    const before = exchanges();
    writeFileSync(join(audiencePath(host, registry), 'login.json'), '{}');
    expect(await run(host, ['get'], registry, { CI: 'true' })).toEqual(notFound);
    expect(exchanges()).toBe(before);
  });

  test('the API’s login helps when the registry has none of its own', async () => {
    const { host, registry, env } = await world((own, api) => [api, own]);
    expect(readTokens(host, registry).refreshToken).toBeUndefined();
    const { code, err } = await run(host, ['get'], registry, env);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('an issuer that is down is one line on stderr', async () => {
    const { platform, host, registry, env } = await world((own) => [own]);
    await platform.stop();
    const { code, out, err } = await run(host, ['get'], registry, env);
    expect([code, out]).toEqual([1, notFound.out]);
    expect(err).toMatch(
      /^docker-credential-cgr: Cannot reach http:\/\/127\.0\.0\.1:\d+: nothing is listening there; .*\n$/,
    );
  });

  test('the name of a folder reaches the terminal as text too', async () => {
    const host = fakeHost({ env: { XDG_CACHE_HOME: '' } });
    const folder = join(host.root, 'cache\u001b[31m red\u0007\nsecond\u009b2J');
    host.env['XDG_CACHE_HOME'] = folder;
    cache(host, 'cgr.dev', 3600);
    chmodSync(join(folder, 'chainguard'), 0o777);
    for (const path of [audiencePath(host, 'cgr.dev')]) chmodSync(path, 0o777);
    const { code, err } = await run(host, ['get'], 'cgr.dev');
    expect(code).toBe(1);
    expect(err).toMatch(/^docker-credential-cgr: .*red.*second.*\n$/);
    expect(err.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  test('what an issuer says reaches the terminal as one line of text', async () => {
    const { host, platform, registry, env } = await world((own) => [own]);
    const issuer = await stubServer();
    const path = 'POST /sts/exchange_refresh_token';
    const record = join(audiencePath(host, registry), 'login.json');
    writeFileSync(record, readFileSync(record, 'utf8').replaceAll(platform.urls.issuer, issuer.url));
    const hostile = 'no\u001b[31m red\r\nsecond\u0007\u009b2J\u007f';
    issuer.expect(path, { status: 403, body: { code: 7, message: hostile } });
    const { code, out, err } = await run(host, ['get'], registry, { ...env, CHAINGUARD_PLATFORM_ISSUER: issuer.url });
    expect([code, out]).toEqual([1, notFound.out]);
    expect(err).toMatch(/^docker-credential-cgr: .*no.*red.*second.*\n$/);
    expect(err.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  test('on a Mac it opens for who sits there, and not for who comes over SSH without a terminal', async () => {
    const platform = await startTestPlatform();
    const { api, issuer, registry } = platform.urls;
    const env = {
      CHAINGUARD_PLATFORM_API: api,
      CHAINGUARD_PLATFORM_ISSUER: issuer,
      CHAINGUARD_PLATFORM_REGISTRY: registry,
    };
    const opened = async (more: Record<string, string>, tty = false) => {
      const browser = (url: string) => signInAs(url, 'dev@example.com').then(() => true);
      const host = fakeHost({ platform: 'darwin', env: { ...env, ...more }, browser, tty });
      const audience = audienceOfRegistry(registry);
      await tokenForRegistry(host, [audience], new AbortController().signal).catch(() => {});
      await closeTransport(host);
      return host.opened.length;
    };
    const ssh = { SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22' };
    expect(await opened({})).toBe(1);
    expect(await opened(ssh)).toBe(0);
    expect(await opened(ssh, true)).toBe(1);
  });

  test('a browser opens only where a person can see it, and narrates on stderr', async () => {
    const { platform, host, registry, env } = await world((own) => [own]);
    writeTokens(host, registry, { token: 'a.b.c', refreshToken: null });
    const script = join(mkdtempSync(join(host.root, 'browser-')), 'browser.mjs');
    const signIn = new URL('../support/browser.ts', import.meta.url).pathname;
    const browser = await bundle(signIn);
    writeFileSync(
      script,
      `#!${process.execPath}\nimport browser from ${JSON.stringify(browser.path)};\nawait browser.signInAs(process.argv[2], 'dev@example.com');\n`,
      { mode: 0o755 },
    );
    const opened = { ...env, BROWSER: script, DISPLAY: ':7' };
    expect((await run(host, ['get'], registry, opened)).code).toBe(1);
    expect(
      (await run(host, ['get'], registry, { ...opened, CI: '', CHAINGUARD_DEFAULT_SKIP_AUTO_LOGIN: 'true' })).code,
    ).toBe(1);
    const { code, out, err } = await run(host, ['get'], registry, { ...opened, CI: '' });
    browser.remove();
    expect(err).toMatch(new RegExp(`^Opening browser to ${platform.urls.issuer}/oauth\\?audience=.*\\n$`));
    expect(code).toBe(0);
    expect(JSON.parse(out).Secret).toBe(readFileSync(join(audiencePath(host, registry), 'oidc-token'), 'utf8'));
  }, 20_000);
});
