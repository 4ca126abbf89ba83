import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type FakeHost, fakeHost } from '../support/fake-host.ts';
import { runCli } from '../support/run-cli.ts';

/** A home and a working folder that several command lines share. */
function place(): { env: Record<string, string>; file: string; cwd: string; host: FakeHost } {
  const host = fakeHost();
  const env = { XDG_CONFIG_HOME: join(host.home(), 'config') };
  return { env, file: join(env.XDG_CONFIG_HOME, 'chainctl', 'config.yaml'), cwd: host.cwd, host };
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** An editor that replaces the text of the file it is given. */
const editor = (change: (text: string) => string) => (_command: string, args: readonly string[]) => {
  const path = args.at(-1) ?? '';
  writeFileSync(path, change(readFileSync(path, 'utf8')));
  return 0;
};

describe('config set and unset', () => {
  test('change one line and leave the rest of the file alone', async () => {
    const { env, file } = place();
    put(file, '# mine\ndefault:\n  group: old # why\n  future: 1\nother:\n  - a # first\n');
    const set = await runCli(['config', 'set', 'default.group', 'acme'], { env });
    expect(set).toMatchObject({ code: 0, out: '', err: 'Property "default.group" set to "acme".\n' });
    expect(readFileSync(file, 'utf8')).toBe(
      '# mine\ndefault:\n  group: acme # why\n  future: 1\nother:\n  - a # first\n',
    );
    const unset = await runCli(['config', 'unset', 'default.group'], { env });
    expect(unset).toMatchObject({ code: 0, out: '', err: 'Property "default.group" unset.\n' });
    expect(readFileSync(file, 'utf8')).toBe('# mine\ndefault:\n  future: 1\nother:\n  - a # first\n');
  });

  test('a new file is private and lies where the next command finds it', async () => {
    const { env, file } = place();
    await runCli(['config', 'set', 'default.group', 'acme'], { env });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const view = await runCli(['config', 'view', '-o', 'json'], { env });
    expect(JSON.parse(view.out).default.group).toBe('acme');
  });

  test('an unknown name and a value that does not fit are usage errors and change nothing', async () => {
    const { env, file } = place();
    put(file, 'default:\n  group: acme\n');
    const unknown = await runCli(['config', 'set', 'default.grop', 'x'], { env });
    expect(unknown).toMatchObject({ code: 2, out: '' });
    expect(unknown.err).toContain('"default.grop" is not a valid property name');
    expect(unknown.err).toContain('default.group');
    const joined = await runCli(['config', 'set', 'default.group=x'], { env });
    expect(joined).toMatchObject({ code: 2, out: '' });
    expect(joined.err).toContain(
      'error: `PROPERTY_NAME` must be the name alone, with the value as the next word, not "default.group=x"\n',
    );
    const bad = await runCli(['config', 'set', 'platform.api', 'nowhere'], { env });
    expect(bad).toMatchObject({ code: 2, out: '' });
    expect(bad.err).toContain('platform.api must be');
    expect(readFileSync(file, 'utf8')).toBe('default:\n  group: acme\n');
  });

  test('a missing value is named', async () => {
    const run = await runCli(['config', 'set', 'default.group'], place());
    expect(run).toMatchObject({ code: 2, out: '' });
    expect(run.err).toContain('PROPERTY_VALUE');
  });

  test.skipIf(process.getuid?.() === 0)('a folder that cannot be written is said in one sentence', async () => {
    const { env, file } = place();
    mkdirSync(dirname(file), { recursive: true });
    chmodSync(dirname(file), 0o500);
    const run = await runCli(['config', 'set', 'default.group', 'acme'], { env });
    chmodSync(dirname(file), 0o700);
    expect(run).toMatchObject({ code: 1, out: '' });
    expect(run.err).toMatch(/^error: Cannot write .*: permission denied\n/);
  });

  test('with --config that file changes and the usual one does not appear', async () => {
    const { env, file, cwd } = place();
    await runCli(['config', 'set', 'default.group', 'acme', '--config', 'mine.yaml'], { env, cwd });
    expect(readFileSync(join(cwd, 'mine.yaml'), 'utf8')).toBe('default:\n    group: acme\n');
    expect(existsSync(file)).toBe(false);
  });
});

describe('on a terminal', () => {
  test('a property is picked, and its value where only a few are possible', async () => {
    const { env, file } = place();
    const mode = await runCli(['config', 'set'], { env, tty: true, answers: ['auth.mode', 'headless'] });
    expect(mode).toMatchObject({ code: 0, out: '' });
    expect(mode.err).toContain('Equivalent command: chainctl config set auth.mode headless');
    const group = await runCli(['config', 'set', 'default.group'], { env, tty: true, answers: ['example.com'] });
    expect(group.asked).toEqual(['Which value?']);
    expect(readFileSync(file, 'utf8')).toBe('auth:\n    mode: headless\ndefault:\n    group: example.com\n');
  });

  test('what is unset is picked among what the file has', async () => {
    const { env, file } = place();
    put(file, 'default:\n  group: old\n  autoclose: "false"\n');
    const run = await runCli(['config', 'unset'], { env, tty: true, answers: ['default.group'] });
    expect(run).toMatchObject({ code: 0, asked: ['Which property would you like to unset?'] });
    expect(readFileSync(file, 'utf8')).toBe('default:\n  autoclose: "false"\n');
    put(file, '');
    const none = await runCli(['config', 'unset'], { env, tty: true, answers: [] });
    expect(none.err).toContain('There is no property to choose from');
  });
});

describe('config view', () => {
  test('starts with the file and ends with the variables in force', async () => {
    const { env, file } = place();
    put(file, 'default:\n  group: acme\n');
    const run = await runCli(['config', 'view'], { env: { ...env, CHAINGUARD_DEFAULT_AUTOCLOSE: 'false' } });
    const lines = run.out.split('\n');
    expect(run.code).toBe(0);
    expect(lines[0]).toBe(`# Base Config file: ${file}`);
    expect(run.out).toContain('\ndefault:\n    active-within: 24h0m0s\n    autoclose: false\n');
    expect(run.out).toContain("\n        fail: '#ff0000'\n");
    expect(lines.at(-2)).toContain('CHAINGUARD_DEFAULT_AUTOCLOSE=false');
    expect(run.err).toBe('');
  });

  test('--diff shows only what differs from the file', async () => {
    const { env } = place();
    const same = await runCli(['config', 'view', '--diff'], { env });
    expect(same).toMatchObject({ code: 0, out: '' });
    const run = await runCli(['config', 'view', '--diff', '--api', 'http://localhost:1'], { env });
    expect(run.out).toContain('-platform.api: https://console-api.enforce.dev\n+platform.api: http://localhost:1\n');
    expect(run.out).not.toContain('default.group');
  });

  test('a broken file is an error that names the line; a bad value falls back with a warning', async () => {
    const { env, file } = place();
    put(file, 'default:\n  group: [\n');
    const broken = await runCli(['config', 'view'], { env });
    expect(broken).toMatchObject({ code: 1, out: '' });
    expect(broken.err).toContain('is not valid YAML');
    put(file, 'platform:\n  api: nonsense\n');
    const bad = await runCli(['config', 'view', '-o', 'json'], { env });
    expect(JSON.parse(bad.out).platform.api).toBe('https://console-api.enforce.dev');
    expect(bad.err).toContain('platform.api must be');
  });
});

describe('config save', () => {
  test('stores what is in force; the answer may come from a pipe', async () => {
    const { env, file } = place();
    put(file, '# kept\nlater: x\n');
    const run = await runCli(['config', 'save', '--api', 'http://localhost:9'], { env, stdin: 'y\n' });
    expect(run).toMatchObject({ code: 0, out: '' });
    expect(run.err).toContain('[Y,n]: ');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('# kept\n');
    expect(text).toContain('later: x\n');
    expect(text).toContain('api: http://localhost:9\n');
    expect(text).toContain('mode: browser\n');
  });

  test('"n" changes nothing and exits 1', async () => {
    const { env, file } = place();
    const run = await runCli(['config', 'save'], { env, stdin: 'n\n' });
    expect(run.code).toBe(1);
    expect(existsSync(file)).toBe(false);
  });
});

describe('config reset', () => {
  test("removes the user's file and leaves the one of --config", async () => {
    const { env, file, cwd } = place();
    put(file, 'default:\n  group: [broken\n');
    put(join(cwd, 'mine.yaml'), 'default:\n  group: mine\n');
    const run = await runCli(['config', 'reset', '--yes', '--config', 'mine.yaml'], { env, cwd });
    expect(run).toMatchObject({ code: 0, out: '' });
    expect(existsSync(file)).toBe(false);
    expect(existsSync(join(cwd, 'mine.yaml'))).toBe(true);
    expect(run.err).toContain(`Removed "${file}".`);
  });

  test('without an answer nothing is removed', async () => {
    const { env, file } = place();
    put(file, 'default:\n  group: acme\n');
    const run = await runCli(['config', 'reset'], { env });
    expect(run.code).toBe(2);
    expect(run.err).toContain('--yes');
    expect(existsSync(file)).toBe(true);
  });

  test('nothing to remove is fine and asks nothing', async () => {
    const run = await runCli(['config', 'reset'], place());
    expect(run).toMatchObject({ code: 0, out: '' });
    expect(run.host.stdin.reads).toBe(0);
  });
});

describe('config edit', () => {
  test('saves after asking', async () => {
    const { env, file } = place();
    put(file, 'default:\n  group: old\n');
    const foreground = editor((text) => text.replace('old', 'new'));
    const run = await runCli(['config', 'edit'], { env: { ...env, EDITOR: 'vim -u NONE' }, foreground, stdin: 'y\n' });
    expect(run).toMatchObject({ code: 0, out: '' });
    expect(readFileSync(file, 'utf8')).toBe('default:\n  group: new\n');
    expect(run.host.ran[0]?.slice(0, 3)).toEqual(['/bin/sh', '-c', 'vim -u NONE "$1"']);
    expect(existsSync(run.host.ran[0]?.at(-1) ?? '')).toBe(false);
  });

  test('an invalid edit is kept where the message says, and the file stays', async () => {
    const { env, file } = place();
    put(file, 'default:\n  group: old\n');
    const foreground = editor(() => 'auth:\n  mode: telepathy\n');
    const run = await runCli(['config', 'edit', '--yes'], { env: { ...env, EDITOR: 'ed' }, foreground });
    expect(run).toMatchObject({ code: 2, out: '' });
    expect(run.err).toContain('line 2: auth.mode must be');
    const kept = /your text is kept in (.*)/.exec(run.err)?.[1] ?? '';
    expect(readFileSync(kept, 'utf8')).toBe('auth:\n  mode: telepathy\n');
    expect(readFileSync(file, 'utf8')).toBe('default:\n  group: old\n');
  });

  test('a broken file can be mended', async () => {
    const { env, file } = place();
    put(file, 'default:\n  group: [\n');
    const foreground = editor((text) => text.replace('[', 'mended'));
    const run = await runCli(['config', 'edit', '-y'], { env: { ...env, EDITOR: 'ed' }, foreground });
    expect(run).toMatchObject({ code: 0, out: '' });
    expect(readFileSync(file, 'utf8')).toBe('default:\n  group: mended\n');
  });

  test('without a file the editor starts from the defaults, and saving them makes the file', async () => {
    const { env, file } = place();
    const run = await runCli(['config', 'edit', '-y'], { env: { ...env, EDITOR: 'true' }, foreground: () => 0 });
    expect(run.code).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('platform:\n    api: https://console-api.enforce.dev\n');
  });

  test('closing the editor without a change asks nothing', async () => {
    const { env, file } = place();
    put(file, 'default:\n  group: old\n');
    const before = statSync(file).mtimeMs;
    const run = await runCli(['config', 'edit'], { env: { ...env, EDITOR: 'true' }, foreground: () => 0 });
    expect(run.code).toBe(0);
    expect(run.host.stdin.reads).toBe(0);
    expect(statSync(file).mtimeMs).toBe(before);
  });

  test('an editor that fails changes nothing; none without a terminal is a usage error', async () => {
    const { env, file } = place();
    put(file, 'default:\n  group: old\n');
    const failed = await runCli(['config', 'edit'], { env: { ...env, EDITOR: 'false' }, foreground: () => 3 });
    expect(failed).toMatchObject({ code: 1, out: '' });
    expect(failed.err).toContain('exit code 3');
    const missing = await runCli(['config', 'edit'], {
      env: { ...env, NO_COLOR: '1' },
      tty: true,
      answers: [],
      foreground: () => 127,
    });
    expect(missing.err).toContain('error: There is no nano, vim or vi on this machine, so nothing was changed\n');
    const visual = await runCli(['config', 'edit'], {
      env: { ...env, EDITOR: 'false', VISUAL: 'true' },
      foreground: () => 0,
    });
    expect(visual.host.ran[0]?.[2]).toBe('true "$1"');
    const none = await runCli(['config', 'edit'], { env });
    expect(none).toMatchObject({ code: 2, out: '' });
    expect(none.err).toContain('EDITOR');
    expect(readFileSync(file, 'utf8')).toBe('default:\n  group: old\n');
  });
});

describe('config validate', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  /** A healthy pair of API and issuer on loopback. */
  async function platform(): Promise<string> {
    server = createServer((request, response) => {
      const isDiscovery = request.url === '/.well-known/openid-configuration';
      response.statusCode = isDiscovery ? 200 : 404;
      response.end(isDiscovery ? JSON.stringify({ issuer: `http://${request.headers.host}` }) : '{}');
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }

  test('a platform that answers is fine', async () => {
    const { env } = place();
    const url = await platform();
    const run = await runCli(['config', 'validate', '--api', url, '--issuer', url, '-o', 'json'], { env });
    expect(run).toMatchObject({ code: 0, err: '' });
    const { items } = JSON.parse(run.out);
    expect(items.map((item: { check: string; ok: boolean }) => [item.check, item.ok])).toEqual([
      ['file', true],
      ['api name', true],
      ['api answer', true],
      ['issuer name', true],
      ['issuer answer', true],
    ]);
  });

  test('a platform that is down and a bad value both fail, with the table still on stdout', async () => {
    const { env, file } = place();
    put(file, 'auth:\n  mode: telepathy\n');
    const flags = ['--api', 'http://127.0.0.1:1', '--issuer', 'http://127.0.0.1:1'];
    const run = await runCli(['config', 'validate', ...flags], { env });
    expect(run.code).toBe(1);
    expect(run.out).toContain('CHECK');
    expect(run.out).toContain('nothing is listening there');
    expect(run.out).toContain('auth.mode must be');
    expect(run.err).toContain('3 checks failed');
  });

  test('an issuer under another name is not the issuer of the configuration', async () => {
    const { env } = place();
    const url = await platform();
    server?.removeAllListeners('request');
    server?.on('request', (_request, response) =>
      response.end(JSON.stringify({ issuer: 'https://elsewhere.example' })),
    );
    const run = await runCli(['config', 'validate', '--api', url, '--issuer', url], { env });
    expect(run.code).toBe(1);
    expect(run.out).toContain('calls itself "https://elsewhere.example"');
  });

  test('behind a proxy the names are for the proxy to look up', async () => {
    const { env } = place();
    server = createServer();
    server.on('connect', (_request, socket) => {
      // The tunnel ends in an issuer that this machine knows no name of.
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.on('data', () => {
        const text = JSON.stringify({ issuer: 'http://platform.invalid' });
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const proxy = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const words = ['config', 'validate', '--api', 'http://platform.invalid', '--issuer', 'http://platform.invalid'];
    const run = await runCli([...words, '-o', 'json'], { env: { ...env, HTTP_PROXY: proxy } });
    expect(run).toMatchObject({ code: 0, err: '' });
    const checks = JSON.parse(run.out).items.map((item: { check: string; ok: boolean }) => [item.check, item.ok]);
    expect(checks).toEqual([
      ['file', true],
      ['api answer', true],
      ['issuer answer', true],
    ]);
  });

  test('a broken file is the finding', async () => {
    const { env, file } = place();
    put(file, 'default:\n  group: [\n');
    const run = await runCli(['config', 'validate', '-o', 'json'], { env });
    expect(run.code).toBe(1);
    expect(JSON.parse(run.out).items[0]).toMatchObject({ check: 'file', target: file, ok: false });
  });
});

test('no config command leaves a lock or a temporary file behind', async () => {
  const { env, file } = place();
  await runCli(['config', 'set', 'default.group', 'acme'], { env });
  await runCli(['config', 'save', '-y'], { env });
  expect(readdirSync(dirname(file))).toEqual(['config.yaml']);
});
