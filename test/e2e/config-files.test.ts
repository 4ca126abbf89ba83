// Files of the user's that the program changes: Docker's configuration, its own, and the token cache. Everything else in
// them stays, several writers lose nothing, and a killed one leaves what was there or what it meant to write.

import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  createWorld,
  type Environment,
  type Person,
  projectRoot,
  type RunningPlatform,
  signIn,
  tokenFolder,
} from '../support/program.ts';

const world = createWorld();
let platform: RunningPlatform;
let host: string;

beforeAll(async () => {
  platform = await world.startPlatform();
  host = platform.registryHost;
});

async function signedIn(name: string): Promise<Person> {
  const person = world.person(name, platform);
  await signIn(person, platform, 'dev@example.com', [host]);
  return person;
}

const configureDocker = ['auth', 'configure-docker'];

describe('Docker’s configuration', () => {
  let person: Person;
  beforeAll(async () => {
    person = await signedIn('docker');
  });

  const tabs = `{
\t"psFormat": "table {{.ID}}\\\\t{{.Names}}",
\t"auths": {
\t\t"https://index.docker.io/v1/": {
\t\t\t"auth": "YTpi"
\t\t}
\t},
\t"credHelpers": {
\t\t"gcr.io": "gcloud"
\t},
\t"aliases": {"builder": "buildx"},
\t"zzz": [1, 2.0, 1e3, "ü \\u00fc", null]
}
`;
  const spaces = tabs.replaceAll('\t', '    ');
  const layouts: readonly (readonly [string, string, string])[] = [
    ['tabs', tabs, '\t\t"gcr.io": "gcloud",\n\t\t"HOST": "cgr"\n'],
    ['four blanks', spaces, '        "gcr.io": "gcloud",\n        "HOST": "cgr"\n'],
    [
      'two blanks, no last newline',
      tabs.replaceAll('\t', '  ').trimEnd(),
      '    "gcr.io": "gcloud",\n    "HOST": "cgr"\n',
    ],
    ['Windows’ line ends', tabs.replaceAll('\n', '\r\n'), '\t\t"gcr.io": "gcloud",\r\n\t\t"HOST": "cgr"\r\n'],
    ['one line', '{"b":1,"credHelpers":{"gcr.io":"gcloud"},"a":{"x":[]}}', '{"gcr.io":"gcloud","HOST":"cgr"}'],
  ];
  test.each(layouts)('%s: only the helper’s line is new', async (_, before, expected) => {
    const path = person.write('.docker/config.json', before);
    expect(await person.chainctl(configureDocker)).toMatchObject({ code: 0, out: '' });
    const after = readFileSync(path, 'utf8');
    const line = expected.replace('HOST', host);
    expect(after).toContain(line);
    expect(JSON.parse(after)).toEqual({
      ...JSON.parse(before),
      credHelpers: { ...JSON.parse(before).credHelpers, [host]: 'cgr' },
    });
    // What was there is there, byte for byte and in its order.
    const added = `"${host}":${line.includes('": "') ? ' ' : ''}"cgr"`;
    const without = after.replace(new RegExp(`,\\s*${added.replaceAll('.', '\\.')}`), '');
    expect(without).toBe(before);
    // Once more changes nothing at all, not even the time.
    const { mtimeMs, ino } = statSync(path);
    expect(await person.chainctl(configureDocker)).toMatchObject({ code: 0 });
    expect(statSync(path)).toMatchObject({ mtimeMs, ino });
  });

  test.each([0o600, 0o644, 0o660, 0o400])('the mode %o stays', async (mode) => {
    const path = person.write('.docker/config.json', '{"auths":{}}', 0o600);
    chmodSync(path, mode);
    expect(await person.chainctl(configureDocker)).toMatchObject({ code: 0 });
    expect(statSync(path).mode & 0o7777).toBe(mode);
    expect(JSON.parse(readFileSync(path, 'utf8')).credHelpers).toEqual({ [host]: 'cgr' });
    chmodSync(path, 0o600);
  });

  test('a new file and its folder are private', async () => {
    const other = await signedIn('new');
    await other.ok(...configureDocker);
    expect(statSync(join(other.home, '.docker')).mode & 0o777).toBe(0o700);
    expect(statSync(join(other.home, '.docker', 'config.json')).mode & 0o777).toBe(0o600);
  });

  test('a symbolic link stays a link, and what it leads to is changed: relative, in a chain, to nowhere yet', async () => {
    const other = await signedIn('links');
    mkdirSync(join(other.home, '.docker'));
    mkdirSync(join(other.home, 'dotfiles'));
    const link = join(other.home, '.docker', 'config.json');
    symlinkSync('../dotfiles/first', link);
    symlinkSync('docker.json', join(other.home, 'dotfiles', 'first'));
    await other.ok(...configureDocker);
    expect(readlinkSync(link)).toBe('../dotfiles/first');
    expect(readlinkSync(join(other.home, 'dotfiles', 'first'))).toBe('docker.json');
    expect(lstatSync(join(other.home, 'dotfiles', 'docker.json')).isFile()).toBe(true);
    expect(JSON.parse(other.read('dotfiles/docker.json')).credHelpers).toEqual({ [host]: 'cgr' });
    expect(readdirSync(join(other.home, 'dotfiles')).sort()).toEqual(['docker.json', 'first']);
  });

  test('a file of another user’s stays theirs when root changes it', async () => {
    const other = await signedIn('owner');
    const path = other.write('.docker/config.json', '{"auths":{}}');
    expect((await other.sh(`chown 12345:12345 '${path}'`)).code).toBe(0);
    await other.ok(...configureDocker);
    expect(statSync(path)).toMatchObject({ uid: 12345, gid: 12345 });
  });

  test('ten writers at once lose nothing', async () => {
    const other = await signedIn('writers');
    other.write('.docker/config.json', tabs);
    const registries = Array.from({ length: 10 }, (_, at) => `registry-${at}.example.com:5000`);
    const jwt = other.write('again.jwt', await other.ok('local', 'token', '--data-dir', platform.dataDir));
    const ran = await Promise.all(
      registries.map((registry) =>
        other.chainctl([...configureDocker, '--identity-token', jwt], {
          env: { CHAINGUARD_PLATFORM_REGISTRY: `https://${registry}` },
        }),
      ),
    );
    expect(ran.filter(({ code }) => code !== 0)).toEqual([]);
    const after = JSON.parse(other.read('.docker/config.json'));
    expect(after.credHelpers).toEqual({
      'gcr.io': 'gcloud',
      ...Object.fromEntries(registries.map((registry) => [registry, 'cgr'])),
    });
    expect({ ...after, credHelpers: null }).toEqual({ ...JSON.parse(tabs), credHelpers: null });
    expect(readdirSync(join(other.home, '.docker'))).toEqual(['config.json']);
  });

  test('killed at any step, it leaves the file as it was or as it was meant, and nobody waits for it', async () => {
    const other = await signedIn('killed');
    const outcomes = await atEveryStep(other, configureDocker, () => {
      const path = other.write('.docker/config.json', spaces);
      return () => {
        const after = JSON.parse(readFileSync(path, 'utf8'));
        expect({ ...after, credHelpers: null }).toEqual({ ...JSON.parse(spaces), credHelpers: null });
        return Object.keys(after.credHelpers).join();
      };
    });
    expect([...outcomes].sort()).toEqual(['gcr.io', `gcr.io,${host}`]);
    const start = performance.now();
    await other.ok(...configureDocker);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(JSON.parse(other.read('.docker/config.json')).credHelpers).toEqual({ 'gcr.io': 'gcloud', [host]: 'cgr' });
  });
});

/**
 * Runs it again and again, killed before its first change on the disk, before its second, and so on until it lives to its
 * end. `prepare` is called before each run and what it returns looks at what is left. Resolves to all that was seen.
 */
async function atEveryStep(
  person: Person,
  args: readonly string[],
  prepare: () => () => string,
  limit = 200,
): Promise<Set<string>> {
  const outcomes = new Set<string>();
  const killer = `--require=${join(projectRoot, 'test', 'support', 'kill-at.cjs')}`;
  for (let step = 1; step <= limit; step += 1) {
    const look = prepare();
    const ran = await person.chainctl(args, { env: { NODE_OPTIONS: killer, KILL_AT: String(step) } });
    outcomes.add(look());
    if (ran.code === 0) {
      expect(step, 'it changed nothing').toBeGreaterThan(3);
      return outcomes;
    }
    expect(ran.code, ran.err).toBe(137);
  }
  throw new Error(`it takes more than ${limit} steps`);
}

describe('the program’s own configuration', () => {
  const text = `# mine
default:
  group: example.com # the usual one
  color-of-the-shed: red
unknown:
  - a
  - b: { c: 1 }
platform:
  # where things are
  api: https://console-api.enforce.dev
`;

  test('a value is set in its place; comments, unknown keys and the link stay', async () => {
    const person = world.person('config');
    person.write('dotfiles/chainctl.yaml', text);
    mkdirSync(join(person.home, '.config', 'chainctl'), { recursive: true });
    const link = join(person.home, '.config', 'chainctl', 'config.yaml');
    symlinkSync('../../dotfiles/chainctl.yaml', link);
    await person.ok('config', 'set', 'default.group', 'other.example.com');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(person.read('dotfiles/chainctl.yaml')).toBe(text.replace('group: example.com', 'group: other.example.com'));
    await person.ok('config', 'unset', 'default.group');
    const after = person.read('dotfiles/chainctl.yaml');
    for (const kept of ['# mine', 'color-of-the-shed: red', '- b: { c: 1 }', '# where things are']) {
      expect(after).toContain(kept);
    }
    expect(after).not.toContain('other.example.com');
  });

  test('flag before environment before file before default', async () => {
    const person = world.person('precedence');
    const api = async (args: readonly string[], env: Environment = {}) => {
      const ran = await person.chainctl(['config', 'view', ...args], { env });
      expect(ran.code, ran.err).toBe(0);
      return /^ *api: *(.*)$/m.exec(ran.out)?.[1]?.replaceAll(/["']/g, '');
    };
    const fromEnv = { CHAINGUARD_PLATFORM_API: 'https://env.example.com' };
    expect(await api([])).toBe('https://console-api.enforce.dev');
    person.write('.config/chainctl/config.yaml', 'platform:\n  api: https://file.example.com\n');
    expect(await api([])).toBe('https://file.example.com');
    expect(await api([], fromEnv)).toBe('https://env.example.com');
    expect(await api(['--api=https://flag.example.com'], fromEnv)).toBe('https://flag.example.com');
    const other = person.write('other.yaml', 'platform:\n  api: https://other.example.com\n');
    expect(await api([], { CHAINCTL_CONFIG: other })).toBe('https://other.example.com');
    expect(await api([], { CHAINCTL_CONFIG: '' }), 'the empty string is unset').toBe('https://file.example.com');
  });

  test('ten writers at once lose nothing', async () => {
    const person = world.person('setters');
    person.write('.config/chainctl/config.yaml', text);
    const values: readonly (readonly [string, string])[] = [
      ['default.group', 'a'],
      ['default.org-name', 'b.example.com'],
      ['default.identity-provider', `${'a'.repeat(40)}/${'b'.repeat(16)}`],
      ['default.social-login', 'google'],
      ['default.skip-auto-login', 'true'],
      ['default.skip-version-check', 'true'],
      ['default.autoclose', 'false'],
      ['output.silent', 'true'],
      ['platform.console', 'https://console.example.com'],
      ['platform.registry', 'https://registry.example.com'],
    ];
    const ran = await Promise.all(values.map(([key, value]) => person.chainctl(['config', 'set', key, value])));
    expect(ran.filter(({ code }) => code !== 0)).toEqual([]);
    const after = person.read('.config/chainctl/config.yaml');
    for (const [key] of values) expect(after).toMatch(new RegExp(`^ +${key.split('.')[1]}: \\S`, 'm'));
    for (const kept of ['# mine', 'color-of-the-shed: red', '- b: { c: 1 }', '# where things are']) {
      expect(after).toContain(kept);
    }
  });

  test('killed at any step, it leaves the file as it was or as it was meant', async () => {
    const person = world.person('killed-config');
    const meant = text.replace('group: example.com', 'group: new.example.com');
    const outcomes = await atEveryStep(person, ['config', 'set', 'default.group', 'new.example.com'], () => {
      const path = person.write('.config/chainctl/config.yaml', text);
      return () => readFileSync(path, 'utf8');
    });
    expect([...outcomes].sort()).toEqual([text, meant].sort());
    await person.ok('config', 'set', 'default.group', 'last.example.com');
    expect(person.read('.config/chainctl/config.yaml')).toContain('group: last.example.com');
  });
});

describe('the token cache', () => {
  test('is private from the first moment, whatever the umask', async () => {
    const person = world.person('umask', platform);
    const jwt = await person.ok('local', 'token', '--data-dir', platform.dataDir);
    person.write('token.jwt', jwt);
    const ran = await person.sh(
      'umask 000; chainctl auth login --identity-token token.jwt; find .cache -printf "%m %y %p\\n"',
    );
    expect(ran.code, ran.err).toBe(0);
    for (const line of ran.out.split('\n').filter((each) => each.includes('.cache/chainguard'))) {
      expect(line).toMatch(/^(700 d|600 f) /);
    }
  });

  test('ten logins at once, and one killed at any step: always one whole token', async () => {
    const person = await signedIn('logins');
    const path = join(tokenFolder(person, host), 'oidc-token');
    const login = ['auth', 'login', `--audience=${host}`, '--identity-token', 'dev@example.com.jwt'];
    const all = await Promise.all(Array.from({ length: 10 }, () => person.chainctl(login)));
    expect(all.filter(({ code }) => code !== 0)).toEqual([]);
    await atEveryStep(person, login, () => () => {
      expect(readFileSync(path, 'utf8')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      return '';
    });
    expect((await person.helper('get', host)).code).toBe(0);
    expect(await person.chainctl(login)).toMatchObject({ code: 0 });
    await person.ok('auth', 'logout');
    const left = await person.sh('grep -rl eyJ .cache');
    expect(left.out, 'a token that stays after logging out').toBe('');
  });
});
