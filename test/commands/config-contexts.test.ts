// Contexts: which platform a command acts on, whose login it uses there, and what a person is told of it.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { keepLoginsApart, listAudiences, readTokens, writeTokens } from '../../src/auth/token-cache.ts';
import { fakeHost } from '../support/fake-host.ts';
import { personId } from '../support/ids.ts';
import { startTestPlatform, TestClock, temporaryFolder } from '../support/platform.ts';
import { type CliOptions, runCli } from '../support/run-cli.ts';
import { makeToken } from '../support/tokens.ts';

const production = 'https://console-api.enforce.dev';

function place(yaml = '') {
  const folder = temporaryFolder();
  const file = join(folder, 'config', 'chainctl', 'config.yaml');
  const env = { XDG_CONFIG_HOME: join(folder, 'config'), XDG_CACHE_HOME: join(folder, 'cache') };
  const put = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
  };
  if (yaml !== '') put(file, yaml);
  const run = (argv: readonly string[], options: CliOptions = {}) =>
    runCli(argv, { ...options, env: { ...env, ...options.env } });
  return { folder, file, env, put, run, text: () => readFileSync(file, 'utf8') };
}

const two = (selected: string) => `context: ${selected}
contexts:
    one:
        platform:
            api: https://one.example
            issuer: https://issuer.one.example
        default:
            group: of-one
    two:
        platform:
            api: https://two.example
platform:
    api: https://file.example
    audience: https://file.example
default:
    group: of-file
`;

describe('what decides', () => {
  const flag = ['--api=https://flag.example'];
  const named = ['--context=two'];
  const variables = { CHAINGUARD_PLATFORM_API: 'https://variable.example' };
  const chosen = { CHAINCTL_CONTEXT: 'two' };

  test.each<[string, string[], Record<string, string>, string, string]>([
    ['flags', [...flag, ...named], { ...variables, ...chosen }, 'one', 'https://flag.example'],
    ['then --context', named, { ...variables, CHAINCTL_CONTEXT: 'one' }, 'one', 'https://two.example'],
    ['then variables', [], { ...variables, ...chosen }, 'one', 'https://variable.example'],
    ['then CHAINCTL_CONTEXT', [], chosen, 'one', 'https://two.example'],
    ['then the selected context', [], { CHAINCTL_CONTEXT: '' }, 'one', 'https://one.example'],
    ['which may be production', [], {}, 'production', production],
    ['then the file', [], {}, '""', 'https://file.example'],
  ])('%s', async (_name, words, env, selected, api) => {
    const { run } = place(two(selected));
    const shown = await run(['config', 'view', '-ojson', ...words], { env });
    expect(shown).toMatchObject({ code: 0, err: '' });
    const { platform } = JSON.parse(shown.out);
    expect(platform).toMatchObject({ api, audience: selected === '""' ? 'https://file.example' : platform.audience });
    // A token for one platform is never meant for the address of another.
    if (api !== 'https://file.example') expect([api, 'https://file.example']).toContain(platform.audience);
    expect(platform.audience).not.toMatch(api.includes('one') ? /two/ : /one/);
  });

  test('a context is whole: no address of another platform shines through', async () => {
    const { run } = place(two('two'));
    const env = { CHAINGUARD_PLATFORM_ISSUER: 'https://issuer.variable.example' };
    const { platform } = JSON.parse((await run(['config', 'view', '-ojson', '--context=two'], { env })).out);
    expect(platform).toEqual({
      api: 'https://two.example',
      audience: 'https://two.example',
      console: 'https://console.chainguard.dev',
      issuer: 'https://issuer.enforce.dev',
      registry: 'https://cgr.dev',
    });
  });

  test('preferences come from the context too, and from the file where it has none', async () => {
    const { run } = place(two('one'));
    const group = async (...words: string[]) =>
      JSON.parse((await run(['config', 'view', '-ojson', ...words])).out).default.group;
    expect(await group()).toBe('of-one');
    expect(await group('--context=two')).toBe('of-file');
  });

  test('a name that no context has is refused before anything is sent, also when it is the selected one', async () => {
    const { run } = place(two('elsewhere'));
    const selected = await run(['iam', 'organizations', 'list']);
    expect(selected).toMatchObject({ code: 2, out: '' });
    expect(selected.err).toMatch(
      /There is no context "elsewhere", which your configuration .*\nhint: use one of production, one, two/,
    );
    const flagged = await run(['iam', 'organizations', 'list', '--context=nope']);
    expect(flagged.err).toContain('There is no context "nope", which `--context` names');
    // What mends it works.
    expect((await run(['config', 'contexts', 'use', 'two'])).code).toBe(0);
    expect((await run(['config', 'view'])).out).toContain('# Context: two\n');
  });

  test('a file of the current folder adds and selects none', async () => {
    const { run, folder, put, env } = place(two('one'));
    put(
      join(folder, 'work', 'chainctl', 'config.yaml'),
      'context: evil\ncontexts:\n  evil:\n    platform:\n      api: https://evil.example\n',
    );
    const cwd = join(folder, 'work');
    const view = await runCli(['config', 'view'], { env, cwd });
    expect(view.out).toContain('api: https://one.example\n');
    expect((await run(['config', 'view', '--context=evil'], { cwd })).err).toContain('There is no context "evil"');
  });
});

describe('the commands', () => {
  test('create, list, describe, use and delete', async () => {
    const { run, text } = place('# kept\nlater: x\n');
    expect((await run(['config', 'contexts', 'list'])).out).toMatch(/\* +\| production \| https:\/\/console-api/);
    const addresses = ['--api=http://127.0.0.1:1/', '--issuer=http://127.0.0.1:2', '--parent=engineering'];
    expect(await run(['config', 'contexts', 'create', 'stage', ...addresses, '-oid'])).toMatchObject({
      code: 0,
      out: 'stage\n',
    });
    expect(text()).toContain('# kept\nlater: x\n');
    expect((await run(['config', 'contexts', 'create', 'stage', ...addresses])).code).toBe(1);
    expect((await run(['config', 'contexts', 'create', 'production', ...addresses])).code).toBe(1);
    for (const bad of ['a.b', '../x', '1st', '']) {
      expect((await run(['config', 'contexts', 'create', bad, ...addresses])).code, bad).toBe(2);
    }
    expect((await run(['config', 'ctx', 'use', 'stage'])).err).toBe('Commands act on "stage" from now on.\n');
    const shown = await run(['config', 'contexts', 'describe', 'stage', '-ojson']);
    expect(JSON.parse(shown.out)).toMatchObject({
      name: 'stage',
      selected: true,
      values: { 'platform.api': 'http://127.0.0.1:1', 'default.group': 'engineering' },
    });
    expect((await run(['config', 'contexts', 'describe', 'stag'])).err).toContain(
      'did you mean "stage"? There are production, stage',
    );
    expect((await run(['config', 'contexts', 'delete', 'production', '-y'])).code).toBe(2);
    expect((await run(['config', 'contexts', 'delete', 'stage'])).code).toBe(2);
    const deleted = await run(['config', 'contexts', 'delete', 'stage', '-y']);
    expect(deleted.err).toContain('Commands act on "production" from now on.');
    expect(text()).toBe('# kept\nlater: x\n');
  });

  test('config set --context stores for one context, and refuses what a context cannot have', async () => {
    const { run, text } = place(two('one'));
    expect((await run(['config', 'set', 'default.group', 'sandbox', '--context=two'])).code).toBe(0);
    expect(text()).toContain('            api: https://two.example\n        default:\n            group: sandbox\n');
    for (const [key, value, name] of [
      ['auth.mode', 'headless', 'one'],
      ['platform.api', 'https://x.example', 'production'],
    ]) {
      const refused = await run(['config', 'set', key ?? '', value ?? '', `--context=${name}`]);
      expect(refused).toMatchObject({ code: 2 });
    }
    expect((await run(['config', 'unset', 'default.group', '--context=two'])).code).toBe(0);
    expect(text()).not.toContain('sandbox');
    expect((await run(['config', 'validate'], { env: { CHAINGUARD_PLATFORM_API: 'http://127.0.0.1:9' } })).out).toMatch(
      /every value is valid/,
    );
  });

  test('config save leaves what a context says with the context, and what variables say alone', async () => {
    const env = { CHAINGUARD_PLATFORM_REGISTRY: 'http://127.0.0.1:9' };
    const { run, text } = place(two('one'));
    const saved = await run(['config', 'save', '--yes'], { env });
    expect(saved).toMatchObject({ code: 0 });
    expect(saved.err).toContain(
      'warning: not saved, because variables say it for this shell only: CHAINGUARD_PLATFORM_REGISTRY',
    );
    expect(text()).not.toContain('127.0.0.1');
    expect(text()).toContain('platform:\n    api: https://file.example\n');
    expect(text()).toContain('default:\n    group: of-file\n');
    const asked = await run(['config', 'save'], { env, tty: true, answers: [true] });
    expect(asked.asked).toEqual([expect.stringContaining('  CHAINGUARD_PLATFORM_REGISTRY=http://127.0.0.1:9\n')]);
    expect(text()).toContain('registry: http://127.0.0.1:9\n');
  });
});

describe('logins', () => {
  const yaml = `contexts:
  work:
    platform:
      api: ${production}
  apart:
    platform:
      api: http://127.0.0.1:1
`;
  const token = makeToken({ aud: production, exp: Math.floor(Date.now() / 1000) + 3600 });

  test.each([
    [[], ''],
    [['--context=production'], ''],
    [['--context=work'], 'contexts/work/'],
    [['--context=apart'], ''],
  ])('%j lie below chainguard/%s', async (words, below) => {
    const { run, env } = place(yaml);
    const audience = below === '' && words[0]?.endsWith('apart') ? 'http://127.0.0.1:1' : production;
    const host = fakeHost({ env });
    if (below !== '') keepLoginsApart(host, 'work');
    writeTokens(host, audience, { token, refreshToken: null });
    const folder = audience.replaceAll('/', '-');
    expect(existsSync(join(env.XDG_CACHE_HOME, 'chainguard', below, folder, 'oidc-token'))).toBe(true);
    expect((await run(['auth', 'status', '--quick', ...words])).out).toContain('Valid        | True\n');
    const others = ['production', 'work', 'apart'].filter(
      (name) => `--context=${name}` !== (words[0] ?? '--context=production'),
    );
    for (const other of others) {
      expect((await run(['auth', 'status', '--quick', `--context=${other}`])).code, other).toBe(4);
    }
  });

  test('logging out of one leaves the others, in either direction', async () => {
    const { run, env } = place(yaml);
    const usual = fakeHost({ env });
    const work = fakeHost({ env });
    keepLoginsApart(work, 'work');
    const fill = () => {
      for (const host of [usual, work]) writeTokens(host, production, { token, refreshToken: null });
    };
    fill();
    expect(listAudiences(usual)).toEqual([production]);
    await run(['auth', 'logout']);
    expect([readTokens(usual, production).token, readTokens(work, production).token]).toEqual([undefined, token]);
    fill();
    await run(['auth', 'logout', '--context=work']);
    expect([readTokens(usual, production).token, readTokens(work, production).token]).toEqual([token, undefined]);
    fill();
    await run(['config', 'contexts', 'delete', 'work', '-y']);
    expect([readTokens(usual, production).token, readTokens(work, production).token]).toEqual([token, undefined]);
  });
});

describe('what a person is told', () => {
  async function world(selected: string) {
    const clock = new TestClock();
    const platform = await startTestPlatform({ clock });
    const { api, issuer } = platform.urls;
    const somewhere = place(
      `context: ${selected}\ncontexts:\n  here:\n    platform:\n      api: ${api}\n      issuer: ${issuer}\n`,
    );
    const token = await platform.token(personId('dev@example.com'));
    writeTokens(fakeHost({ env: somewhere.env }), api, { token, refreshToken: null });
    const run = (argv: readonly string[], options: CliOptions = {}) =>
      somewhere.run(argv, { now: clock.now(), ...options });
    return { ...somewhere, run, platform };
  }
  const rule = ['--identity-issuer=https://ci.example.com', '--subject=job', '--parent=sandbox', '--role=viewer'];
  const create = ['iam', 'identities', 'create', 'robot', ...rule];

  test('every confirmation begins with context and account; status ends with the context', async () => {
    const { run } = await world('here');
    const made = await run(create, { stdin: 'y\n' });
    expect(made.code).toBe(0);
    expect(made.err).toMatch(
      /^On here, as dev@example\.com:\nThis creates the claim_match identity "robot" in "sandbox"/,
    );
    const status = await run(['auth', 'status']);
    expect(status.out).toMatch(/^ {2}Valid {8}\| True\n[\s\S]*\n {2}Context {6}\| here\n$/);
    expect(JSON.parse((await run(['auth', 'status', '-ojson'])).out).context).toBe('here');
  });

  test('a deletion where nothing in this shell names the place is agreed to twice', async () => {
    const { run, platform } = await world('here');
    await run([...create, '-y']);
    const remove = ['iam', 'identities', 'delete', 'robot'];
    const stopped = await run(remove, { tty: true, answers: [true, ''] });
    expect(stopped).toMatchObject({ code: 1 });
    expect(stopped.asked[1]).toBe(
      'Nothing in this shell says where, so it happens on "here". Type that name to go on:',
    );
    const named = await run(remove, { tty: true, answers: [false], env: { CHAINCTL_CONTEXT: 'here' } });
    expect(named.asked).toHaveLength(1);
    expect((await run([...remove, '--context=here'], { tty: true, answers: [false] })).asked).toHaveLength(1);
    const list = await platform.call(await platform.token(personId('dev@example.com')), 'GET', '/iam/v1/identities');
    expect(JSON.stringify(list.body)).toContain('"robot"');
    // What is new, and scripts, are asked once or not at all.
    expect((await run([...create.with(3, 'second')], { tty: true, answers: [true] })).code).toBe(0);
    expect(await run(remove, { tty: true, answers: [true, 'here'] })).toMatchObject({ code: 0 });
    expect(await run([...remove.with(3, 'second'), '-y'], { tty: true })).toMatchObject({ code: 0 });
  });
});
