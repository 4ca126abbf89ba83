import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  configTextToEdit,
  replaceConfigText,
  resetConfig,
  saveConfig,
  setConfigValue,
  unsetConfigValue,
} from '../../src/config/edit.ts';
import { loadConfig } from '../../src/config/load.ts';
import { renderConfig, renderConfigDiff } from '../../src/config/render.ts';
import { configSchema, envName, parseValue } from '../../src/config/schema.ts';
import { type FakeHost, fakeHost } from '../support/fake-host.ts';

const userFile = (host: FakeHost) => join(host.home(), '.config', 'chainctl', 'config.yaml');

function put(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

describe('precedence', () => {
  test('flag beats environment beats file beats default', async () => {
    const host = fakeHost();
    expect((await loadConfig(host)).get('default.group')).toBe('');
    put(userFile(host), 'default:\n  group: from-file\n');
    const file = await loadConfig(host);
    expect([file.get('default.group'), file.source('default.group')]).toEqual(['from-file', 'file']);
    host.env['CHAINGUARD_DEFAULT_GROUP'] = 'from-env';
    const env = await loadConfig(host);
    expect([env.get('default.group'), env.source('default.group')]).toEqual(['from-env', 'env']);
    const flag = await loadConfig(host, { overrides: { 'default.group': 'from-flag' } });
    expect([flag.get('default.group'), flag.source('default.group')]).toEqual(['from-flag', 'flag']);
    expect(flag.inFile('default.group')).toBe('from-file');
    host.env['CHAINGUARD_DEFAULT_GROUP'] = '';
    expect((await loadConfig(host)).source('default.group')).toBe('file');
  });

  const add = (host: FakeHost, line: string) => {
    put(userFile(host), `${readFileSync(userFile(host))}${line}`);
    return {};
  };
  // Every way to say where a command goes, the first one of two that both say it counting.
  const ways: readonly [string, (host: FakeHost) => Parameters<typeof loadConfig>[1]][] = [
    [
      'the flag',
      () => ({ overrides: { 'platform.api': 'https://flag.example', 'platform.issuer': 'https://i.flag.example' } }),
    ],
    ['--context', () => ({ context: 'asked' })],
    [
      'CHAINGUARD_PLATFORM_*',
      (host) => {
        host.env['CHAINGUARD_PLATFORM_API'] = 'https://variable.example';
        host.env['CHAINGUARD_PLATFORM_ISSUER'] = 'https://i.variable.example';
        return {};
      },
    ],
    [
      'CHAINCTL_CONTEXT',
      (host) => {
        host.env['CHAINCTL_CONTEXT'] = 'named';
        return {};
      },
    ],
    ['the selected context', (host) => add(host, 'context: selected\n')],
    [
      'platform.* of the file',
      (host) => add(host, 'platform: {api: https://file.example, issuer: https://i.file.example}\n'),
    ],
  ];
  const addresses = ['flag', 'asked', 'variable', 'named', 'selected', 'file'].map((name) => `https://${name}.example`);
  const pairs = ways.flatMap((_, first) => ways.slice(first).map((__, more) => [first, first + more] as const));

  test.each(pairs.map(([a, b]) => [ways[a]?.[0] ?? '', ways[b]?.[0] ?? '', a, b] as const))(
    '%s counts before %s',
    async (_, __, first, second) => {
      const host = fakeHost();
      const context = (name: string) =>
        `  ${name}: {platform: {api: https://${name}.example, issuer: https://i.${name}.example}}\n`;
      put(userFile(host), `contexts:\n${['asked', 'named', 'selected'].map(context).join('')}`);
      const options = Object.assign({}, ...[...new Set([first, second])].map((at) => ways[at]?.[1](host)));
      const config = await loadConfig(host, options);
      const api = addresses[first] ?? '';
      expect(config.get('platform.api')).toBe(api);
      expect(config.get('platform.issuer')).toBe(api.replace('//', '//i.'));
      // A token is for the platform that is asked, whatever else is configured.
      expect(config.get('platform.audience')).toBe(api);
    },
  );

  test('the audience follows the API unless it is set', async () => {
    const host = fakeHost({ env: { CHAINGUARD_PLATFORM_API: 'http://localhost:1234/' } });
    expect((await loadConfig(host)).get('platform.audience')).toBe('http://localhost:1234');
    put(userFile(host), 'platform:\n  audience: other\n');
    expect((await loadConfig(host)).get('platform.audience')).toBe('other');
  });

  test('every key has its variable', () => {
    expect(envName('default.skip-auto-login')).toBe('CHAINGUARD_DEFAULT_SKIP_AUTO_LOGIN');
    expect(new Set(configSchema.map(({ key }) => envName(key))).size).toBe(configSchema.length);
    for (const { key, default: value } of configSchema) {
      if (value !== '') expect(parseValue(key, value), key).toEqual({ ok: true, value });
    }
  });

  test('a variable that does not fit is an error that names it, not a silent default', async () => {
    const host = fakeHost({ env: { CHAINGUARD_PLATFORM_API: 'localhost' } });
    await expect(loadConfig(host)).rejects.toMatchObject({
      kind: 'usage',
      message:
        'CHAINGUARD_PLATFORM_API must be an http or https address without query, fragment or password, not "localhost"',
    });
    await expect(loadConfig(fakeHost(), { overrides: { 'platform.issuer': 'x' } })).rejects.toThrow(
      '`--issuer` must be',
    );
  });
});

describe('where it is read', () => {
  test('this folder, then the user, then the place of older releases; the first hit wins', async () => {
    const host = fakeHost();
    const legacy = put(join(host.home(), '.chainguard', 'config.yaml'), 'default: {group: legacy}');
    expect(await loadConfig(host)).toMatchObject({ path: legacy });
    const user = put(userFile(host), 'default: {group: user}');
    expect(await loadConfig(host)).toMatchObject({ path: user });
    const folder = put(join(host.cwd, 'chainctl', 'config.yaml'), 'default: {org-name: folder}');
    const config = await loadConfig(host);
    expect(config.path).toBe(folder);
    expect([config.get('default.group'), config.get('default.org-name')]).toEqual(['', 'folder']);
  });

  test('--config and CHAINCTL_CONFIG end the search; an empty CHAINCTL_CONFIG does not', async () => {
    const host = fakeHost({ env: { CHAINCTL_CONFIG: '' } });
    const user = put(userFile(host), 'default: {group: user}');
    expect((await loadConfig(host)).path).toBe(user);
    host.env['CHAINCTL_CONFIG'] = 'mine.yaml';
    expect((await loadConfig(host)).warnings).toEqual([
      `"${join(host.cwd, 'mine.yaml')}" does not exist, so defaults apply`,
    ]);
    put(join(host.cwd, 'mine.yaml'), 'default: {group: mine}');
    expect((await loadConfig(host)).get('default.group')).toBe('mine');
    put(join(host.cwd, 'flag.yaml'), 'default: {group: flag}');
    expect((await loadConfig(host, { path: 'flag.yaml' })).get('default.group')).toBe('flag');
  });

  test('a machine without a home folder still has defaults', async () => {
    const config = await loadConfig(fakeHost({ home: false }));
    expect(config.get('platform.registry')).toBe('https://cgr.dev');
    expect(config.path).toBeUndefined();
  });
});

describe('what a file may hold', () => {
  test('a bad value is dropped with one sentence, and the default is back', async () => {
    const host = fakeHost();
    const path = put(
      userFile(host),
      '# mine\nplatform:\n  api: not a url\n  issuer: https://i.example/\ndefault:\n  autoclose: maybe\n',
    );
    const config = await loadConfig(host);
    expect(config.get('platform.api')).toBe('https://console-api.enforce.dev');
    expect(config.get('platform.issuer')).toBe('https://i.example');
    expect(config.isOn('default.autoclose')).toBe(true);
    expect(config.warnings).toEqual([
      `${path}:3: platform.api must be an http or https address without query, fragment or password, so the default "https://console-api.enforce.dev" applies`,
      `${path}:6: default.autoclose must be true or false, so the default "true" applies`,
    ]);
  });

  test('text that is not YAML names file and line', async () => {
    const host = fakeHost();
    const path = put(userFile(host), 'default:\n  group: "open\n');
    await expect(loadConfig(host)).rejects.toMatchObject({
      kind: 'local',
      code: 'local.corrupt-config',
      message: expect.stringContaining(`"${path}" is not valid YAML: line `),
      hint: expect.stringContaining('chainctl config edit'),
    });
    put(path, '- a\n- b\n');
    await expect(loadConfig(host)).rejects.toThrow('line 1: expected keys and values');
    put(path, Buffer.from([0xff, 0xfe, 0, 1, 2]).toString('latin1'));
    await expect(loadConfig(host)).rejects.toMatchObject({ kind: 'local' });
  });

  test('ids of digits stay text; quotes, anchors and empty groups are read', async () => {
    const host = fakeHost();
    const id = '0123456789012345678901234567890123456789';
    put(
      userFile(host),
      `x: &a acme\ndefault:\n  group: ${id}\n  org-name: *a\n  autoclose-timeout: 7\noutput:\nplatform: {}\n`,
    );
    const config = await loadConfig(host);
    expect(config.warnings).toEqual([]);
    expect(config.get('default.group')).toBe(id);
    expect(config.get('default.org-name')).toBe('acme');
    expect(config.get('default.autoclose-timeout')).toBe('7');
  });

  test('empty values, as `config save` writes them, mean the default', async () => {
    const host = fakeHost();
    put(userFile(host), 'auth:\n    mode: ""\nplatform:\n    api: ""\n    registry:\n');
    const config = await loadConfig(host);
    expect(config.warnings).toEqual([]);
    expect([config.get('auth.mode'), config.get('platform.api')]).toEqual([
      'browser',
      'https://console-api.enforce.dev',
    ]);
    expect(config.source('platform.registry')).toBe('default');
  });
});

describe('changes', () => {
  const original = `# written by hand
default:
  group: old   # the team
  # kept
  autoclose: false

auth:
  device-flow: chainguard # an older key
list: [1, 2]
`;

  test('set keeps comments, unknown keys, order, indentation and permissions', async () => {
    const host = fakeHost();
    const path = put(userFile(host), original);
    chmodSync(path, 0o644);
    const result = await setConfigValue(host, 'default.group', 'new');
    expect(result).toEqual({ path, changed: true, warnings: [] });
    expect(readFileSync(path, 'utf8')).toBe(
      original.replace('group: old   # the team', 'group: new # the team').replace('[1, 2]', '[ 1, 2 ]'),
    );
    expect(statSync(path).mode & 0o777).toBe(0o644);
    await setConfigValue(host, 'platform.api', 'https://api.example/');
    expect(readFileSync(path, 'utf8')).toContain('platform:\n  api: https://api.example\n');
    expect((await loadConfig(host)).get('default.group')).toBe('new');
  });

  test('set makes the file; unset takes it back and empties groups away', async () => {
    const host = fakeHost();
    const { path } = await setConfigValue(host, 'output.color.pass', '#ABCDEF');
    expect(readFileSync(path, 'utf8')).toBe("output:\n    color:\n        pass: '#abcdef'\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await unsetConfigValue(host, 'output.color.pass');
    expect(readFileSync(path, 'utf8').trim()).toBe('');
    expect(await unsetConfigValue(host, 'output.color.pass')).toMatchObject({ changed: false });
    await setConfigValue(host, 'default.skip-auto-login', 'TRUE');
    expect(readFileSync(path, 'utf8')).toContain('skip-auto-login: true');
  });

  test('a symbolic link stays one', async () => {
    const host = fakeHost();
    const real = put(join(host.root, 'dotfiles', 'c.yaml'), 'default: {group: a}\n');
    mkdirSync(dirname(userFile(host)), { recursive: true });
    symlinkSync(real, userFile(host));
    await setConfigValue(host, 'default.group', 'b');
    expect(lstatSync(userFile(host)).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, 'utf8')).toContain('group: b');
  });

  test('unknown names name the nearest; bad values say what is expected; nothing is written', async () => {
    const host = fakeHost();
    await expect(setConfigValue(host, 'default.grup', 'x')).rejects.toMatchObject({
      kind: 'usage',
      message: '"default.grup" is not a valid property name',
      hint: 'did you mean default.group?',
    });
    await expect(setConfigValue(host, 'auth.default.social-login', 'x')).rejects.toMatchObject({
      hint: 'did you mean default.social-login?',
    });
    await expect(setConfigValue(host, 'auth', 'x')).rejects.toMatchObject({
      hint: 'did you mean auth.mode, auth.token-store?',
    });
    const bad: [string, string, string][] = [
      ['auth.mode', 'phone', 'browser or headless'],
      ['platform.api', 'ftp://x', 'an http or https address'],
      ['platform.api', 'https://u:p@x', 'an http or https address'],
      ['default.active-within', '0s', 'a positive duration'],
      ['default.active-within', '1d', 'a positive duration'],
      ['default.autoclose', 'yes', 'true or false'],
      ['default.autoclose-timeout', '-1', 'a whole number of seconds'],
      ['output.color.warn', '#12', 'a color'],
      ['default.group', 'a\nb', 'one line'],
    ];
    for (const [key, value, expected] of bad) await expect(setConfigValue(host, key, value)).rejects.toThrow(expected);
    expect(statSync(userFile(host), { throwIfNoEntry: false })).toBeUndefined();
  });

  test('a corrupt file is not touched', async () => {
    const host = fakeHost();
    const path = put(userFile(host), 'default: [\n');
    await expect(setConfigValue(host, 'default.group', 'x')).rejects.toMatchObject({ code: 'local.corrupt-config' });
    expect(readFileSync(path, 'utf8')).toBe('default: [\n');
    put(path, 'default: text\n');
    await expect(setConfigValue(host, 'default.group', 'x')).rejects.toMatchObject({ code: 'local.corrupt-config' });
    expect(readFileSync(path, 'utf8')).toBe('default: text\n');
  });

  test('twenty at once: none is lost', async () => {
    const host = fakeHost();
    const keys = configSchema.filter(({ kind }) => kind === 'string' || kind === 'color').map(({ key }) => key);
    await Promise.all(keys.map((key) => setConfigValue(host, key, 'red')));
    const config = await loadConfig(host);
    expect(keys.map((key) => config.get(key))).toEqual(keys.map(() => 'red'));
  });

  test('a file of older releases moves along instead of being hidden; one in this folder is named', async () => {
    const host = fakeHost();
    put(join(host.home(), '.chainguard', 'config.yaml'), '# mine\ndefault:\n    group: old\n');
    await setConfigValue(host, 'default.org-name', 'acme');
    expect(readFileSync(userFile(host), 'utf8')).toBe('# mine\ndefault:\n    group: old\n    org-name: acme\n');
    const folder = put(join(host.cwd, 'chainctl', 'config.yaml'), 'default: {}\n');
    expect((await setConfigValue(host, 'default.org-name', 'b')).warnings).toEqual([
      `"${folder}" is in force in this folder and hides "${userFile(host)}"`,
    ]);
    expect(readFileSync(folder, 'utf8')).toBe('default: {}\n');
  });

  test('save stores what is in force; what it wrote reads back the same', async () => {
    const host = fakeHost({ env: { CHAINGUARD_DEFAULT_GROUP: 'acme' } });
    put(userFile(host), original);
    const config = await loadConfig(host, { overrides: { 'platform.api': 'http://localhost:1' } });
    const { path } = await saveConfig(host, config, []);
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('# the team');
    expect(text).toContain('device-flow: chainguard # an older key');
    host.env['CHAINGUARD_DEFAULT_GROUP'] = undefined;
    const again = await loadConfig(host);
    expect(again.warnings).toEqual([]);
    for (const { key } of configSchema) expect(again.get(key), key).toBe(config.get(key));
  });

  test('an edited text is checked before it replaces anything', async () => {
    const host = fakeHost();
    const path = put(userFile(host), original);
    expect(configTextToEdit(host)).toEqual({ path, text: original });
    await expect(replaceConfigText(host, 'auth:\n  mode: x\nplatform:\n  api: y\n')).rejects.toMatchObject({
      kind: 'usage',
      details: [
        'line 2: auth.mode must be browser or headless, so the default "browser" applies',
        expect.stringContaining('line 4: platform.api must be'),
      ],
    });
    await expect(replaceConfigText(host, '{')).rejects.toMatchObject({ kind: 'usage' });
    expect(readFileSync(path, 'utf8')).toBe(original);
    expect(await replaceConfigText(host, '# só\nunknown: 1\n')).toMatchObject({ changed: true });
    expect(readFileSync(path, 'utf8')).toBe('# só\nunknown: 1\n');
  });

  test("reset removes the user's files and leaves a named one and this folder's alone", async () => {
    const host = fakeHost();
    const named = put(join(host.cwd, 'named.yaml'), 'a: 1\n');
    const folder = put(join(host.cwd, 'chainctl', 'config.yaml'), 'a: 1\n');
    const user = put(userFile(host), 'a: 1\n');
    const legacy = put(join(host.home(), '.chainguard', 'config.yaml'), 'a: 1\n');
    expect(resetConfig(host)).toEqual([user, legacy]);
    expect(resetConfig(host)).toEqual([]);
    for (const path of [named, folder]) expect(readFileSync(path, 'utf8')).toBe('a: 1\n');
  });
});

describe('view', () => {
  test('every key in its group, values quoted where YAML needs it, variables below', async () => {
    const host = fakeHost({ env: { CHAINGUARD_DEFAULT_GROUP: 'my team: "a"' } });
    const text = renderConfig(host, await loadConfig(host));
    expect(text).toContain(
      '# Base Config file: none\nauth:\n    mode: browser\n    token-store: auto\ndefault:\n    active-within: 24h0m0s\n',
    );
    expect(text).toContain('    autoclose-timeout: "10"\n    group: "my team: \\"a\\""\n    identity-provider: ""\n');
    expect(text).toContain("output:\n    color:\n        fail: '#ff0000'\n");
    expect(text).toContain(
      '        special: ""\n    silent: false\nplatform:\n    api: https://console-api.enforce.dev\n',
    );
    expect(text.endsWith('# Environment variables in force:\n#   CHAINGUARD_DEFAULT_GROUP=my team: "a"\n')).toBe(true);
    host.env['CHAINGUARD_DEFAULT_GROUP'] = '';
    put(userFile(host), text);
    const again = await loadConfig(host);
    expect(again.warnings).toEqual([]);
    expect(again.get('default.group')).toBe('my team: "a"');
  });

  test('the difference between the file and what is in force', async () => {
    const host = fakeHost({ env: { CHAINGUARD_DEFAULT_GROUP: 'b' } });
    const path = put(userFile(host), 'default: {group: a}\n');
    expect(renderConfigDiff(await loadConfig(host))).toBe(
      `--- ${path}\n+++ in force\n-default.group: a\n+default.group: b # CHAINGUARD_DEFAULT_GROUP\n`,
    );
    host.env['CHAINGUARD_DEFAULT_GROUP'] = '';
    expect(renderConfigDiff(await loadConfig(host))).toBe('');
  });
});

test('a file called chainctl in this folder, as a download leaves it, is no folder with a configuration', async () => {
  const host = fakeHost();
  writeFileSync(join(host.cwd, 'chainctl'), 'a program');
  expect((await loadConfig(host)).get('auth.mode')).toBe('browser');
});
