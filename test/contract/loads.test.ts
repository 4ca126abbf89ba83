// What start-up may load: read from the bundle's own account of its chunks and
// from what a real process loaded, so no timing is involved.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

interface Chunk {
  readonly bytes: number;
  readonly imports: readonly string[];
  readonly modules: readonly string[];
}

const meta = JSON.parse(readFileSync(join(root, 'dist', 'meta.json'), 'utf8')) as Record<string, Chunk>;

/** Source modules that run before anything is asked for. */
function staticGraph(entry: string): string[] {
  const seen = new Set<string>();
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const imported of meta[name]?.imports ?? []) visit(imported);
  };
  visit(entry);
  return [...seen].flatMap((name) => meta[name]?.modules ?? []);
}

const heavy =
  /node_modules\/(commander|undici|yaml|jose|cli-table3|@inquirer|re2js|tar-stream|open)\/|src\/(commands|local)\//;

test('the entry holds no command, parser, HTTP client or platform', () => {
  expect(staticGraph('chainctl.cjs').filter((id) => heavy.test(id))).toEqual([]);
  expect(meta['chainctl.cjs']?.bytes).toBeLessThan(15_000);
});

test('the Docker helper holds no command, parser, HTTP client or platform', () => {
  expect(staticGraph('credential-helper.cjs').filter((id) => heavy.test(id))).toEqual([]);
  expect(staticGraph('credential-helper.cjs').filter((id) => /src\/(cli|config)\//.test(id))).toEqual([]);
  // Each further file costs as much as the answer.
  expect(meta['credential-helper.cjs']?.imports.filter((name) => !name.startsWith('node:'))).toEqual([]);
});

test('a request without a proxy brings no HTTP client along', () => {
  const chunk = Object.keys(meta).find((name) => meta[name]?.modules.includes('src/api/transport.ts')) ?? '';
  const modules = staticGraph(chunk);
  expect(modules).toContain('src/api/direct-client.ts');
  expect(modules.filter((id) => heavy.test(id))).toEqual([]);
});

describe('a real process', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'chainctl-loads-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function loadedBy(
    program: string,
    args: readonly string[],
    input = '',
    more: Readonly<Record<string, string>> = {},
  ): { files: string[]; builtins: string[]; out: string } {
    const report = join(folder, 'report.json');
    const result = spawnSync(
      process.execPath,
      ['--require', join(root, 'test/support/loaded.cjs'), join(root, 'bin', program), ...args],
      {
        env: {
          PATH: process.env['PATH'],
          HOME: folder,
          XDG_CACHE_HOME: join(folder, 'cache'),
          LOADED_REPORT: report,
          ...more,
        },
        input,
        encoding: 'utf8',
      },
    );
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
    return {
      ...(JSON.parse(readFileSync(report, 'utf8')) as { files: string[]; builtins: string[] }),
      out: result.stdout,
    };
  }

  /** Source modules behind the chunks that were loaded. */
  const modulesOf = (files: readonly string[]) =>
    files.flatMap((file) => meta[file.split('/dist/')[1] ?? '']?.modules ?? []);

  const network = ['http', 'https', 'http2', 'internal/deps/undici/undici', 'sqlite', 'readline', 'tls'];

  test('version loads the version and nothing else', () => {
    const { files, builtins, out } = loadedBy('chainctl.js', ['version']);
    expect(out).toContain('GitVersion:');
    expect(modulesOf(files).filter((id) => id.includes('node_modules'))).toEqual([]);
    expect(builtins.filter((name) => network.includes(name))).toEqual([]);
  });

  test('help for 80 columns is written as the build has laid it out, and loads nothing', () => {
    for (const words of [[], ['iam'], ['iam', 'identities', 'create'], ['api']]) {
      const { files, out } = loadedBy('chainctl.js', [...words, '--help']);
      expect(
        modulesOf(files).filter((id) => !/src\/(node|cli\/(quick-help|page-asked-for)|version|build)/.test(id)),
      ).toEqual([]);
      expect(loadedBy('chainctl.js', [...words, '--help'], '', { COLUMNS: '80' }).out).toBe(out);
    }
    expect(loadedBy('chainctl.js', []).out).toBe(loadedBy('chainctl.js', ['--help']).out);
  });

  test('every page of help is laid out by the build, and is the recorded one', () => {
    const folder = join(root, 'test', 'golden', 'files', 'help');
    const recorded = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
    const laidOut = readdirSync(join(root, 'dist', 'help')).flatMap((file) => {
      const pack = readFileSync(join(root, 'dist', 'help', file));
      const start = 8 + Number(pack.toString('latin1', 0, 8));
      const index = JSON.parse(pack.toString('utf8', 8, start)) as Record<string, [number, number]>;
      return Object.entries(index).map(([words, [at, length]]) => [
        `${['chainctl', ...words.split(' ')].filter((word) => word !== '').join('-')}.txt`,
        // Where the documentation lies is told by the program that knows its own place.
        `${pack.toString('utf8', start + at, start + at + length)}${words === '' ? 'the folder docs of the package\n' : ''}`,
      ]);
    });
    expect(Object.fromEntries(laidOut)).toEqual(Object.fromEntries(recorded));
  });

  test('the help of a command in other columns loads its page and no command, parser, HTTP, YAML, prompt or platform', () => {
    const { files, builtins, out } = loadedBy('chainctl.js', ['iam', 'identities', 'create', '--help'], '', {
      COLUMNS: '100',
    });
    expect(out).toContain('chainctl iam identities create');
    const modules = modulesOf(files);
    expect(modules.filter((id) => /node_modules\//.test(id))).toEqual([]);
    expect(modules.filter((id) => id.startsWith('src/commands/'))).toEqual([
      'src/commands/index.gen.ts',
      'src/commands/iam/index.gen.ts',
      'src/commands/iam/identities/help.gen.ts',
    ]);
    expect(modules).not.toContain('src/cli/help-page.ts');
    expect(builtins.filter((name) => network.includes(name))).toEqual([]);
  });

  test('a command whose words are plain loads no parser, and one with others does', () => {
    const parser = (...words: string[]) =>
      modulesOf(loadedBy('chainctl.js', words).files).filter((id) => /commander/.test(id)).length;
    expect(parser('config', 'view', '--output', 'json')).toBe(0);
    expect(parser('config', 'view', '--output=json')).toBe(0);
    expect(parser('config', 'view', '-ojson')).toBeGreaterThan(0);
  });

  test('output that is thrown away loads no terminal', () => {
    const report = join(folder, 'null.json');
    const { status } = spawnSync(
      process.execPath,
      ['--require', join(root, 'test/support/loaded.cjs'), join(root, 'bin/chainctl.js'), 'config', 'view'],
      { env: { PATH: process.env['PATH'], HOME: folder, LOADED_REPORT: report }, stdio: 'ignore' },
    );
    expect(status).toBe(0);
    const { builtins } = JSON.parse(readFileSync(report, 'utf8')) as { builtins: string[] };
    expect(builtins).toContain('fs');
    // Elsewhere than on Linux its device has no number that is known.
    if (process.platform === 'linux') expect(builtins).not.toContain('tty');
  });

  test('JMESPath and YAML are loaded by the flags that ask for them, and by no other way to answer', () => {
    const libraries = (args: readonly string[]) =>
      modulesOf(loadedBy('chainctl.js', args).files).flatMap(
        (id) => /node_modules\/(yaml|@jmespath-community\/jmespath)\//.exec(id)?.[1] ?? [],
      );
    const list = ['config', 'contexts', 'list'];
    for (const format of ['table', 'json', 'csv', 'id', 'markdown', 'none']) {
      expect(libraries([...list, `--output=${format}`]), format).toEqual([]);
    }
    expect(new Set(libraries([...list, '--output=yaml']))).toEqual(new Set(['yaml']));
    expect(new Set(libraries([...list, '--query=items[].name']))).toEqual(new Set(['@jmespath-community/jmespath']));
  });

  test('the Docker helper with a good token loads itself only', () => {
    const audience = 'registry.example';
    const expires = Math.floor(Date.now() / 1000) + 3600;
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = `${part({ alg: 'RS256' })}.${part({ aud: audience, exp: expires })}.c2ln`;
    const cache = join(folder, 'cache', 'chainguard', audience);
    spawnSync('mkdir', ['-p', '-m', '700', cache]);
    spawnSync('chmod', ['700', join(folder, 'cache', 'chainguard')]);
    writeFileSync(join(cache, 'oidc-token'), token, { mode: 0o600 });
    const { files, builtins, out } = loadedBy('docker-credential-cgr.js', ['get'], `${audience}\n`);
    expect(JSON.parse(out)).toEqual({ ServerURL: audience, Username: '_token', Secret: token });
    expect(modulesOf(files).filter((id) => id.includes('node_modules') || /src\/(cli|api|config)\//.test(id))).toEqual(
      [],
    );
    expect(builtins.filter((name) => network.includes(name))).toEqual([]);
    // What its one file cannot answer is told by another one.
    chmodSync(join(cache, 'oidc-token'), 0o644);
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'bin', 'docker-credential-cgr.js'), 'get'], {
      env: { PATH: process.env['PATH'], HOME: folder, XDG_CACHE_HOME: join(folder, 'cache') },
      input: audience,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('run `chmod 600') });
  });

  test('a platform that was asked for its discovery document loads neither API, issuer, modules nor the client', async () => {
    const report = join(folder, 'platform.json');
    const platform = spawn(
      process.execPath,
      [
        '--require',
        join(root, 'test/support/loaded.cjs'),
        join(root, 'bin/chainctl.js'),
        ...['local', 'start', '--seed=empty', `--data-dir=${join(folder, 'platform')}`, '--output=json'],
      ],
      { env: { PATH: process.env['PATH'], HOME: folder, LOADED_REPORT: report }, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const ended = once(platform, 'exit');
    const [first] = (await once(platform.stdout, 'data')) as [Buffer];
    const { api } = JSON.parse(first.toString()) as { api: string };
    expect((await fetch(`${api}/.well-known/openid-configuration`)).status).toBe(200);
    platform.kill('SIGINT');
    await ended;
    const { files } = JSON.parse(readFileSync(report, 'utf8')) as { files: string[] };
    const modules = modulesOf(files);
    expect(modules).toContain('src/local/modules.ts');
    const unused =
      /src\/local\/(registry\/(distribution|builds|seed|charts|catalog)|scim\/(?!module|migrations)|console\/(?!module)|\w+\/(v2\/)?handlers|iam\/seed|api\/|issuer\/(sts|issuer\.ts|oauth|upstream))|src\/api\/(http|client|wire|schema\/(messages|operations))/;
    expect(modules.filter((id) => unused.test(id))).toEqual([]);
    expect(modules.filter((id) => /node_modules\/(openid-client|re2js|tar-stream|@connectrpc|yaml)/.test(id))).toEqual(
      [],
    );
  });
});
