// Pull tokens: made here, known to the platform by their public half, good at the registry until their identity goes.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeClaims } from '../../src/auth/jwt.ts';
import { type AuthWorld, authWorld } from '../support/auth-world.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { signedIn } from '../support/signed-in.ts';

const organization = demoOrganizations.private;
const uidp = `${organization}/[0-9a-f]{16}`;
const jwt = '[\\w-]+\\.[\\w-]+\\.[\\w-]+';

/** What the registry says to these credentials when it is asked for a token without a scope. */
async function registryAnswer(world: Pick<AuthWorld, 'platform'>, user: string, password: string): Promise<number> {
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  const { registry } = world.platform.urls;
  const response = await fetch(`${registry}/token?service=${new URL(registry).host}`, {
    headers: { authorization: `Basic ${basic}` },
  });
  return response.status;
}

const identities = (platform: AuthWorld['platform']) =>
  platform.store.read((tx) => tx.all('SELECT id, name, kind, parent FROM identities WHERE parent IS NOT NULL'));

/** Roles bound to an identity, by name. */
const rolesOf = (platform: AuthWorld['platform'], id: string) =>
  platform.store.read((tx) =>
    tx
      .all('SELECT r.name FROM role_bindings b JOIN roles r ON r.id = b.role WHERE b.identity = ? ORDER BY 1', id)
      .map((row) => String(row['name'])),
  );

describe('auth pull-token', () => {
  test('prints a docker login line that can be run as it is, for the only organization', async () => {
    const { platform, run } = await signedIn();
    const host = new URL(platform.urls.registry).host;
    const made = await run(['auth', 'pull-token'], { env: { CHAINGUARD_PLATFORM_REGISTRY: platform.urls.registry } });
    expect(made, made.err).toMatchObject({ code: 0, err: '' });
    const line = new RegExp(`\\n\\n    docker login "${host}" --username "(${uidp})" --password "(${jwt})"\\n$`);
    const [, id = '', token = ''] = line.exec(made.out) ?? [];
    expect(made.out.split('\n')[0]).toBe('To use this pull token in another environment, run this command:');
    expect(rolesOf(platform, id)).toEqual(['registry.pull']);
    expect(await registryAnswer({ platform }, id, token)).toBe(200);
    const [identity] = identities(platform);
    expect(String(identity?.['name'])).toMatch(/^pull-token - registry - [0-9a-f]{8}$/);
  });

  test('the token says what the specification says, for as long as was asked', async () => {
    const { platform, run, clock } = await signedIn();
    const made = await run(['auth', 'pull-token', 'create', '--ttl=24h', '-o', 'json']);
    expect(made.out).toMatch(new RegExp(`^\\{"identity_id":"${uidp}","token":"${jwt}"\\}\\n$`));
    const { identity_id: id, token } = JSON.parse(made.out);
    const now = Math.floor(clock.now() / 1000);
    expect(decodeClaims(token)).toEqual({
      iss: 'https://pulltoken.issuer.chainguard.dev',
      sub: expect.stringMatching(/^pull-token-[0-9a-f]{40}$/),
      aud: platform.urls.issuer,
      iat: now,
      exp: now + 24 * 3600,
    });
    clock.advance(24 * 3_600_000 + 1000);
    expect(await registryAnswer({ platform }, id, token)).not.toBe(200);
  });

  test.each([
    ['apk', 'apk.pull', 'CHAINGUARD_'],
    ['java', 'libraries.java.pull', 'CHAINGUARD_JAVA_'],
    ['python', 'libraries.python.pull', 'CHAINGUARD_PYTHON_'],
    ['javascript', 'libraries.javascript.pull', 'CHAINGUARD_JAVASCRIPT_'],
  ])('for %s: its role, its variables, Basic authorization', async (repository, role, prefix) => {
    const { platform, run } = await signedIn();
    const env = await run(['auth', 'pull-token', `--repository=${repository}`, '-o', 'env']);
    const pattern = `^export ${prefix}IDENTITY_ID=(${uidp})\\nexport ${prefix}TOKEN=${jwt}\\n$`;
    const id = new RegExp(pattern).exec(env.out)?.[1] ?? '';
    expect(rolesOf(platform, id)).toEqual([role]);
    const text = await run(['auth', 'pull-tokens', `--library-ecosystem=${repository}`]);
    expect(text.out).toMatch(new RegExp(`^Username: ${uidp}$`, 'm'));
    expect(text.out).toMatch(new RegExp(`^Password: ${jwt}$`, 'm'));
    expect(text.out).not.toContain('docker login');
    expect(text.err.includes('Creating new APK registry pull-token in example.com')).toBe(repository === 'apk');
  });

  test('a format it does not have: a warning, the usual text, exit 0, and the token exists', async () => {
    const { platform, run } = await signedIn();
    const made = await run(['auth', 'pull-token', '-o', 'csv']);
    expect(made.code).toBe(0);
    expect(made.err).toMatch(/^warning: "csv".*env.*json/);
    expect(made.out).toContain('docker login');
    expect(identities(platform)).toHaveLength(1);
  });

  test('a role the platform does not have: nothing is made', async () => {
    const { platform, run } = await signedIn();
    const made = await run(['auth', 'pull-token', '--repository=go']);
    expect(made).toMatchObject({ code: 1, out: '' });
    expect(made.err).toContain('This platform has no pull tokens for `--repository=go`');
    expect(made.err).toContain('libraries.go.pull');
    expect(made.err).not.toContain('did you mean');
    expect(identities(platform)).toEqual([]);
  });

  test('whoever may make identities but bind no roles leaves none behind', async () => {
    const { platform, as } = await signedIn();
    platform.store.transact((tx) => {
      tx.run(
        "INSERT INTO roles (id, parent, name, description, capabilities, created_at, updated_at) VALUES (?, ?, 'half', '', ?, 0, 0)",
        `${organization}/0123456789abcdef`,
        organization,
        JSON.stringify(['groups.list', 'roles.list', 'identity.create', 'identity.delete']),
      );
    });
    const half = platform.user('half@example.com', [`${organization}/0123456789abcdef`, organization]);
    const made = await as(half)(['auth', 'pull-token']);
    expect(made).toMatchObject({ code: 1, out: '' });
    expect(made.err).toContain('registry.pull');
    expect(identities(platform)).toEqual([]);
  });

  test('a viewer may not', async () => {
    const { as, platform } = await signedIn();
    const made = await as('guest@example.com')(['auth', 'pull-token']);
    expect(made).toMatchObject({ code: 1, out: '' });
    expect(made.err).toContain('identity.create');
    expect(identities(platform)).toEqual([]);
  });

  test.each([
    [['--ttl=8761h'], '8760h'],
    [['--ttl=never'], 'duration'],
    [['--repository=rpm'], 'must be one of'],
    [['--repository=apk', '--save'], '`--save`'],
    [['--parent=nowhere'], 'No folder found for "nowhere"'],
  ])('%j changes nothing', async (flags, said) => {
    const { run, platform } = await signedIn();
    const made = await run(['auth', 'pull-token', ...flags]);
    expect(made.code).not.toBe(0);
    expect(made.out).toBe('');
    expect(made.err).toContain(said);
    expect(identities(platform)).toEqual([]);
  });

  test('asks where it belongs when there are several places', async () => {
    const { run, platform } = await signedIn();
    platform.store.transact((tx) => {
      tx.run(
        "INSERT INTO groups (id, parent, name, description, created_at, updated_at) VALUES (?, NULL, 'second.org', '', 0, 0)",
        'f'.repeat(40),
      );
    });
    const dev = personId('dev@example.com');
    const { bindRole } = await import('../../src/local/iam/bind-role.ts');
    const { builtInRoleId } = await import('../support/ids.ts');
    platform.store.transact((tx) =>
      bindRole(tx, { group: 'f'.repeat(40), identity: dev, role: builtInRoleId('owner') }),
    );
    const piped = await run(['auth', 'pull-token']);
    expect(piped).toMatchObject({ code: 2, out: '' });
    expect(piped.err).toContain('`--parent`');
    const picked = await run(['auth', 'pull-token', '-o', 'json'], {
      tty: true,
      env: { NO_COLOR: '1' },
      answers: ['second.org'],
    });
    expect(picked.code, picked.err).toBe(0);
    expect(picked.err).toContain('✔ Selected organization second.org.');
    // A person is told how to find it again; a script hears nothing beside the answer.
    expect(picked.err).toMatch(
      /Made the pull token "pull-token - registry - \w{8}", good until \d{4}-\d\d-\d\d; `chainctl auth pull-token delete f{40}\/\w+` revokes it\.\n$/,
    );
    expect(JSON.parse(picked.out).identity_id).toMatch(/^f{40}\//);
  });
});

describe('auth pull-token list', () => {
  test('shows who may pull what and until when; expired ones only when asked', async () => {
    const { run, clock } = await signedIn();
    await run(['auth', 'pull-token', '--name=short', '--ttl=24h', '--description=a day']);
    await run(['auth', 'pull-token', '--name=long', '--repository=java']);
    const both = await run(['auth', 'pull-token', 'list']);
    expect(both.out).toMatch(/ID +\| +NAME +\| +DESCRIPTION +\| +ROLES +\| EXPIRES +\| +CREATED +\| LAST USED/);
    expect(both.out).toMatch(/ short - registry - [0-9a-f]{8} +\| a day +\| example\.com: registry\.pull +\| +1 \| /);
    expect(both.out).toMatch(/ long - java - [0-9a-f]{8} +\| +\| example\.com: libraries\.java\.pull +\| +30 \| /);
    expect((await run(['auth', 'pull-token', 'ls', '--repository=java', '-oid'])).out).toMatch(
      new RegExp(`^${uidp}\\n$`),
    );
    clock.advance(3 * 86_400_000 - 60_000);
    const good = JSON.parse((await run(['auth', 'pull-token', 'list', '-o', 'json'])).out);
    expect(good.items.map((item: { name: string }) => item.name.slice(0, 5))).toEqual(['long ']);
    const gone = await run(['auth', 'pull-token', 'list', '--parent=example.com', '--expired=true']);
    expect(gone.out).toMatch(/ short - .* +-2 \| /);
    expect(gone.out).not.toContain('long');
  });

  test('nothing to list: exit 0 and an empty list', async () => {
    const { run } = await signedIn();
    expect(await run(['auth', 'pull-token', 'list', '-o', 'json'])).toMatchObject({ code: 0, out: '{"items":[]}\n' });
  });
});

describe('revoking', () => {
  test('deleting the identity ends the token at the registry', async () => {
    const { platform, run } = await signedIn();
    const { identity_id: id, token } = JSON.parse((await run(['auth', 'pull-token', '-o', 'json'])).out);
    expect(await registryAnswer({ platform }, id, token)).toBe(200);
    expect((await run(['iam', 'identities', 'delete', id, '--yes'])).code).toBe(0);
    expect(await registryAnswer({ platform }, id, token)).not.toBe(200);
  });
});

describe('--save', () => {
  test('keeps it as the login of Docker, removes a helper that would win, and says what it replaced', async () => {
    const world = await authWorld();
    await world.login();
    const path = join(world.folder, 'docker', 'config.json');
    mkdirSync(join(world.folder, 'docker'));
    writeFileSync(path, `{\n  "credHelpers": {"${world.registry}": "cgr"},\n  "psFormat": "x"\n}\n`);
    const first = await world.run(['auth', 'pull-token', '--save', '-o', 'json']);
    expect(first.code, first.err).toBe(0);
    const { identity_id: id, token } = JSON.parse(first.out);
    expect(first.err).toContain(
      `Configuring identity "${id}" for pulls from ${world.registry} (expires 2026-04-26T13:55:00.000Z).\n`,
    );
    expect(first.err).not.toContain('Overwriting');
    const config = JSON.parse(readFileSync(path, 'utf8'));
    expect(config.auths[world.registry].auth).toBe(Buffer.from(`${id}:${token}`).toString('base64'));
    expect(config.psFormat).toBe('x');
    expect(config.credHelpers?.[world.registry]).toBeUndefined();
    const second = await world.run(['auth', 'configure-docker', '--pull-token', '--save']);
    expect(second.code, second.err).toBe(0);
    expect(second.out).toContain(`docker login "${world.registry}"`);
    expect(second.err).toContain('Overwriting existing credentials.\n');
  });

  test('a Docker configuration that is not JSON stays, and so does the platform', async () => {
    const world = await authWorld();
    await world.login();
    const path = join(world.folder, 'docker', 'config.json');
    mkdirSync(join(world.folder, 'docker'));
    writeFileSync(path, '{ broken');
    const made = await world.run(['auth', 'pull-token', '--save']);
    expect(made).toMatchObject({ code: 1, out: '' });
    expect(made.err).toContain('is not valid JSON');
    expect(readFileSync(path, 'utf8')).toBe('{ broken');
    expect(identities(world.platform)).toEqual([]);
  });
});

test('without a login: exit 4 and nothing on stdout', async () => {
  const { run, folder } = await authWorld();
  for (const argv of [
    ['auth', 'pull-token'],
    ['auth', 'pull-token', 'list'],
    ['auth', 'configure-docker', '--pull-token'],
  ]) {
    const result = await run(argv);
    expect(result, argv.join(' ')).toMatchObject({ code: 4, out: '' });
    expect(result.err).toContain('login');
  }
  expect(existsSync(join(folder, 'docker'))).toBe(false);
});
