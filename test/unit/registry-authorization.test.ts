// The registry's gate: every way in, and every part of what it asks, one at a time.

import type { IncomingMessage } from 'node:http';
import { beforeEach, describe, expect, test } from 'vitest';
import { anonymous, StatusError } from '../../src/local/core/types.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import {
  type AccessRequirement,
  createAuthorization,
  existing,
  incapable as incapableAt,
  type Principal,
} from '../../src/local/registry/distribution/authorization.ts';
import type { RegistryError } from '../../src/local/registry/registry-error.ts';
import { createRepository, type Repository } from '../../src/local/registry/repositories.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { testStore } from '../support/store.ts';

const organization = demoOrganizations.private;
const dev = personId('dev@example.com');
const stranger = 'e'.repeat(40);
const registry = 'http://127.0.0.1:5000';

type World = Awaited<ReturnType<typeof makeWorld>>;
let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

async function makeWorld() {
  const { store, clock } = await testStore();
  const startOfTime = Math.floor(clock.now() / 1000);
  const callers = new Map<string, typeof anonymous | StatusError>();
  const exchanged: string[][] = [];
  const gate = createAuthorization({
    store,
    clock,
    urls: { api: registry, issuer: registry, registry, console: registry },
    issuer: {
      async verifyAccessToken(token) {
        const caller = callers.get(token) ?? new StatusError(16, 'unknown');
        if (caller instanceof StatusError) throw caller;
        return caller;
      },
      async exchangeForIdentity(...asked) {
        exchanged.push(asked);
        if (asked[0] !== 'password') throw new StatusError(asked[0] === 'busy' ? 14 : 7, 'refused');
        return 'exchanged';
      },
    },
  });
  const repositories = store.transact((tx) => {
    const own = { id: organization, name: 'example.com' };
    const others = { id: demoOrganizations.public, name: 'chainguard' };
    return {
      app: createRepository(tx, own, 'app'),
      open: createRepository(tx, own, 'open', { public: true }),
      other: createRepository(tx, others, 'other'),
    };
  });
  let roles = 0;
  return {
    store,
    clock,
    gate,
    exchanged,
    repositories,
    /** A user who holds exactly this at a place. */
    user(capabilities: readonly string[], place = organization): string {
      roles += 1;
      const id = `${roles}`.padStart(40, 'a');
      store.transact((tx) => {
        tx.run(
          "INSERT INTO identities (id, kind, relationship, created_at, updated_at) VALUES (?, 'claimMatch', '{}', 0, 0)",
          id,
        );
        tx.run(
          'INSERT INTO roles (id, name, capabilities, created_at, updated_at) VALUES (?, ?, ?, 0, 0)',
          `${roles}`.padStart(40, 'b'),
          'some',
          JSON.stringify(capabilities),
        );
        bindRole(tx, { group: place, identity: id, role: `${roles}`.padStart(40, 'b') });
      });
      return id;
    },
    /** A platform token of somebody, with nothing left out of it. */
    login(
      identity: string,
      caller: Partial<typeof anonymous> = {},
      token = `token of ${identity}`.replaceAll(' ', '-'),
    ) {
      const ceiling = new Map([organization, demoOrganizations.public].map((place) => [place, new Set(everything)]));
      const life = { issuedAt: startOfTime, expiresAt: startOfTime + 7200 };
      callers.set(token, { ...anonymous, ...life, identity, audience: ['127.0.0.1:5000'], ceiling, ...caller });
      return token;
    },
    fails(token: string, code: number) {
      callers.set(token, new StatusError(code, 'refused'));
    },
    delete(identity: string) {
      store.transact((tx) => {
        tx.run('DELETE FROM role_bindings WHERE identity = ?', identity);
        tx.run('DELETE FROM identities WHERE id = ?', identity);
      });
    },
  };
}

const everything = [
  ...['repo.list', 'repo.create', 'manifest.list', 'manifest.create', 'manifest.delete'],
  ...['tag.list', 'tag.create', 'tag.update', 'tag.delete', 'referrers.list'],
];

interface RequestOptions {
  readonly host?: string;
  readonly forwarded?: string;
  readonly encrypted?: boolean;
}

const request = (authorization?: string, { host = '127.0.0.1:5000', forwarded, encrypted }: RequestOptions = {}) =>
  ({
    headers: {
      ...(host === '' ? {} : { host }),
      ...(authorization === undefined ? {} : { authorization }),
      ...(forwarded === undefined ? {} : { 'x-forwarded-proto': forwarded }),
    },
    socket: encrypted === undefined ? {} : { encrypted },
  }) as unknown as IncomingMessage;
const bearer = (token: string) => request(`Bearer ${token}`);
const basic = (user: string, password: string) =>
  request(`Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`);

const pull = (name = 'example.com/app'): AccessRequirement => ({
  name,
  action: 'pull',
  capabilities: ['manifest.list'],
});
const push = (name = 'example.com/app'): AccessRequirement => ({
  name,
  action: 'push',
  capabilities: ['manifest.create'],
});

/** Status, code and challenge of a refusal. */
async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    const { status, problems, headers } = error as RegistryError;
    if (problems === undefined) throw error;
    const challenge = headers['WWW-Authenticate'];
    return [status, problems.map(({ code }) => code), challenge].filter((one) => one !== undefined).join(' ');
  }
  return 'nothing refused';
}

const challenged = (scope: string, error?: string) =>
  `401 UNAUTHORIZED Bearer realm="${registry}/token",service="127.0.0.1:5000",scope="${scope}"` +
  (error === undefined ? '' : `,error="${error}"`);

/** A registry token, from a platform token or for nobody. */
const registryToken = async (scopes: readonly string[], token?: string) =>
  (await world.gate.token(token === undefined ? request() : bearer(token), scopes)).token;

describe('the challenge', () => {
  test.each<[string, RequestOptions, string, string]>([
    ['names the address that was dialled', {}, registry, '127.0.0.1:5000'],
    ['under another name too', { host: 'localhost:5000' }, 'http://localhost:5000', 'localhost:5000'],
    ['with the port of a proxy', { host: 'mirror.example:8443' }, 'http://mirror.example:8443', 'mirror.example:8443'],
    ['encrypted where a proxy says so', { host: 'm.example', forwarded: 'https' }, 'https://m.example', 'm.example'],
    ['and not where it says otherwise', { host: 'm.example', forwarded: 'http' }, 'http://m.example', 'm.example'],
    ['encrypted where the connection is', { host: 'm.example', encrypted: true }, 'https://m.example', 'm.example'],
    ['and not where it is not', { host: 'm.example', encrypted: false }, 'http://m.example', 'm.example'],
    ['and is our own for our own host', { forwarded: 'https' }, registry, '127.0.0.1:5000'],
    ['of an IPv6 address', { host: '[::1]:5000' }, 'http://[::1]:5000', '[::1]:5000'],
    ['holds nothing that could end its quotes', { host: 'x",realm="y' }, registry, '127.0.0.1:5000'],
    ['nor anything before a good name', { host: '"x.example' }, registry, '127.0.0.1:5000'],
    ['nor anything after it', { host: 'x.example/' }, registry, '127.0.0.1:5000'],
    ['nor what is missing', { host: '' }, registry, '127.0.0.1:5000'],
  ])('%s', async (_, options, base, service) => {
    const refused = await refusal(() => world.gate.identify(request(undefined, options), []));
    expect(refused).toBe(`401 UNAUTHORIZED Bearer realm="${base}/token",service="${service}"`);
  });

  test('names what is needed', async () => {
    const ask = (needs: readonly AccessRequirement[] | 'catalog') =>
      refusal(() => world.gate.identify(request(), needs));
    expect(await ask([pull()])).toBe(challenged('repository:example.com/app:pull'));
    expect(await ask([push(), pull('a/b')])).toBe(
      challenged('repository:example.com/app:pull,push repository:a/b:pull'),
    );
    expect(await ask([{ ...pull(), action: 'delete' }])).toBe(challenged('repository:example.com/app:delete'));
    expect(await ask('catalog')).toBe(challenged('registry:catalog:*'));
  });
});

describe('who comes in', () => {
  const identify = (from: IncomingMessage) => world.gate.identify(from, [pull()]);
  const asked = 'repository:example.com/app:pull';

  test.each([
    ['nobody', request()],
    ['a user and a password', basic('user', 'password')],
    ['a bare token', request('token')],
    ['another scheme', request('Digest token')],
  ])('%s is asked to go through /token', async (_, from) => {
    world.login(dev, {}, 'token');
    expect(await refusal(() => identify(from))).toBe(challenged(asked));
  });

  test('a platform token for the registry', async () => {
    const token = world.login(dev, { actor: { sub: 'dev' } });
    expect(await identify(bearer(token))).toMatchObject({
      identity: dev,
      actor: { sub: 'dev' },
      caller: { identity: dev },
      grants: [],
      catalog: undefined,
      sources: [],
    });
    expect((await identify(bearer(world.login(dev, { audience: ['a', 'cgr.dev'] })))).identity).toBe(dev);
  });

  test('no platform token for something else', async () => {
    for (const audience of [[], [registry], ['cgr.dev.evil'], ['127.0.0.1:5001']]) {
      const token = world.login(dev, { audience });
      expect(await refusal(() => identify(bearer(token))), String(audience)).toBe('403 FORBIDDEN');
      expect(await refusal(() => world.gate.token(bearer(token), [])), String(audience)).toBe('403 FORBIDDEN');
    }
  });

  test('no platform token that the issuer refuses; one that it cannot tell about may come again', async () => {
    for (const code of [16, 7, 5, 3]) {
      world.fails('bad', code);
      expect(await refusal(() => identify(bearer('bad')))).toBe(challenged(asked, 'invalid_token'));
      expect(await refusal(() => world.gate.token(bearer('bad'), []))).toBe('403 FORBIDDEN');
    }
    for (const code of [14, 4, 13]) {
      world.fails('bad', code);
      await expect(identify(bearer('bad'))).rejects.toMatchObject({ code });
      await expect(world.gate.token(bearer('bad'), [])).rejects.toMatchObject({ code });
    }
  });

  test('a registry token, until it ends, while its identity is there', async () => {
    const user = world.user(['manifest.list']);
    const token = await registryToken([asked], world.login(user));
    expect(await identify(bearer(token))).toMatchObject({
      identity: user,
      caller: undefined,
      grants: [{ name: 'example.com/app', actions: ['pull'], refused: [], capabilities: ['manifest.list'] }],
    });
    world.clock.advance(3599_000);
    await identify(bearer(token));
    world.clock.advance(1_000);
    expect(await refusal(() => identify(bearer(token)))).toBe(challenged(asked, 'invalid_token'));
    const fresh = await registryToken([asked], world.login(user));
    await identify(bearer(fresh));
    world.delete(user);
    expect(await refusal(() => identify(bearer(fresh)))).toBe(challenged(asked, 'invalid_token'));
  });

  test('a registry token of nobody, and none that was changed', async () => {
    const token = await registryToken(['repository:example.com/open:pull']);
    expect(await identify(bearer(token))).toMatchObject({ identity: undefined, caller: undefined });
    for (const bad of [`${token}x`, token.slice(0, -1), `${token}.x`, `${token.split('.').slice(0, 2).join('.')}.`]) {
      expect(await refusal(() => identify(bearer(bad))), bad).toBe(challenged(asked, 'invalid_token'));
    }
  });
});

describe('what a platform token may do', () => {
  const authorize = async (
    identity: string,
    need: AccessRequirement,
    caller: Partial<typeof anonymous> = {},
  ): Promise<string> => {
    const from = bearer(world.login(identity, caller));
    const principal = await world.gate.identify(from, [need]);
    return refusal(() => world.store.read((tx) => world.gate.authorize(tx, from, principal, need)));
  };
  const good = 'nothing refused';
  const incapable = '403 FORBIDDEN';
  const unknown = '404 NAME_UNKNOWN';

  test.each<[string, readonly string[], AccessRequirement, string]>([
    ['pulls with the capability of pulling', ['manifest.list'], pull(), good],
    ['and with no other', everything.filter((one) => one !== 'manifest.list'), pull(), incapable],
    ['pulls what is public without any', ['groups.list'], pull('example.com/open'), good],
    ['pushes no more there than elsewhere', ['groups.list'], push('example.com/open'), incapable],
    ['pushes with the capability of pushing', ['manifest.create'], push(), good],
    ['and with no other', everything.filter((one) => one !== 'manifest.create'), push(), incapable],
    ['needs all of several', ['tag.list'], { ...pull(), capabilities: ['tag.list', 'manifest.list'] }, incapable],
    [
      'whichever of them is there',
      ['manifest.list'],
      { ...pull(), capabilities: ['tag.list', 'manifest.list'] },
      incapable,
    ],
    ['has them all', ['manifest.list', 'tag.list'], { ...pull(), capabilities: ['tag.list', 'manifest.list'] }, good],
    ['makes a repository by pushing, where it may', ['manifest.create', 'repo.create'], push('example.com/new'), good],
    ['and not where it may not', ['manifest.create'], push('example.com/new'), incapable],
    ['nor with the right to make it alone', ['repo.create'], push('example.com/new'), incapable],
    ['pulls nothing that is not there', ['manifest.list', 'repo.create'], pull('example.com/none'), unknown],
    ['deletes nothing that is not there', everything, { ...pull('example.com/none'), action: 'delete' }, unknown],
    ['is told nothing of what it may not see', ['groups.list'], pull('example.com/none'), incapable],
    ['reaches no other organization', ['manifest.list'], pull('chainguard/other'), incapable],
    ['finds no organization that is not there', ['manifest.list'], pull('nowhere/app'), unknown],
    ['finds nothing without an organization', ['manifest.list'], pull('app'), unknown],
  ])('%s', async (_, capabilities, need, outcome) => {
    expect(await authorize(world.user(capabilities), need)).toBe(outcome);
  });

  test('is what it was narrowed to', async () => {
    const ceiling = new Map([[organization, new Set(['tag.list'])]]);
    expect(await authorize(world.user(everything), pull(), { ceiling })).toBe(incapable);
    expect(await authorize(world.user(['manifest.list'], world.repositories.app.id.slice(0, 40)), pull())).toBe(good);
  });

  test('and what it may not do is said with the command that tells why, to who is somebody', () => {
    const name = { full: 'example.com/app', organization: 'example.com', repository: 'app' };
    const said = (identity: string | undefined, missing: readonly string[]) => {
      const principal: Principal = {
        ...{ identity, actor: {}, caller: undefined, grants: [], catalog: undefined, sources: [] },
      };
      return incapableAt(name, principal, missing).problems.map(({ message }) => message);
    };
    const first = 'caller does not have the required capabilities at "example.com/app"';
    const line = `chainctl iam access explain ${dev} tag.list --on=example.com`;
    expect(said(dev, ['tag.list', 'repo.list'])).toEqual([`${first}; see why with \`${line}\``]);
    expect(said(undefined, ['tag.list'])).toEqual([first]);
    expect(said(dev, [])).toEqual([first]);
  });

  test('tells what it found', async () => {
    const from = bearer(world.login(world.user(['manifest.create', 'repo.create', 'manifest.list'])));
    const found = async (need: AccessRequirement) => {
      const principal = await world.gate.identify(from, [need]);
      return world.store.read((tx) => world.gate.authorize(tx, from, principal, need));
    };
    const place = await found(pull());
    expect(place).toMatchObject({ organization: { id: organization }, name: { full: 'example.com/app' } });
    expect(existing(place).id).toBe(world.repositories.app.id);
    expect([...place.capabilities].sort()).toEqual(['manifest.create', 'manifest.list', 'repo.create']);
    const made = await found(push('example.com/new'));
    expect(made.repository).toBeUndefined();
    expect(() => existing(made)).toThrow(TypeError);
  });
});

describe('what a registry token may do', () => {
  const authorize = async (token: string, need: AccessRequirement): Promise<string> => {
    const from = bearer(token);
    const principal = await world.gate.identify(from, [need]);
    return refusal(() => world.store.read((tx) => world.gate.authorize(tx, from, principal, need)));
  };
  const all = 'repository:example.com/app:pull,push,delete';
  const insufficient = (scope: string) => challenged(scope, 'insufficient_scope');

  test('is what was asked for and granted', async () => {
    const user = world.user(everything);
    const token = await registryToken(['repository:example.com/app:pull'], world.login(user));
    expect(await authorize(token, pull())).toBe('nothing refused');
    expect(await authorize(token, push())).toBe(insufficient('repository:example.com/app:pull,push'));
    expect(await authorize(token, pull('example.com/open'))).toBe(insufficient('repository:example.com/open:pull'));
    expect(await authorize(token, pull('example.com/other'))).toBe(insufficient('repository:example.com/other:pull'));
  });

  test('is not asked for again when it was refused', async () => {
    const token = await registryToken([all], world.login(world.user(['manifest.list'])));
    expect(await authorize(token, pull())).toBe('nothing refused');
    expect(await authorize(token, push())).toBe('403 FORBIDDEN');
    // Nobody may become somebody.
    const anonymous = await registryToken(['repository:example.com/open:pull,push']);
    expect(await authorize(anonymous, pull('example.com/open'))).toBe('nothing refused');
    expect(await authorize(anonymous, push('example.com/open'))).toBe(
      insufficient('repository:example.com/open:pull,push'),
    );
  });

  test('ends with the rights it stands on', async () => {
    const user = world.user(['manifest.list']);
    const token = await registryToken([all], world.login(user));
    world.store.transact((tx) => tx.run('DELETE FROM role_bindings WHERE identity = ?', user));
    expect(await authorize(token, pull())).toBe('403 FORBIDDEN');
  });

  test('is no more than its login was narrowed to', async () => {
    const user = world.user(everything);
    const ceiling = new Map([[organization, new Set(['manifest.list'])]]);
    const token = await registryToken(['repository:example.com/app:pull'], world.login(user, { ceiling }));
    expect(await authorize(token, { ...pull(), capabilities: ['tag.list'] })).toBe('403 FORBIDDEN');
  });

  test('of nobody ends when a repository is public no longer', async () => {
    const token = await registryToken(['repository:example.com/open:pull']);
    expect(await authorize(token, pull('example.com/open'))).toBe('nothing refused');
    world.store.transact((tx) => tx.run('UPDATE repos SET public = 0'));
    expect(await authorize(token, pull('example.com/open'))).toBe(challenged('repository:example.com/open:pull'));
  });
});

describe('what a push may reuse', () => {
  const nobodyElse: Principal = {
    ...{ identity: undefined, actor: {}, caller: undefined, grants: [], catalog: undefined, sources: [] },
  };
  const readable = (principal: Partial<Principal>, name = 'example.com/app'): string | undefined =>
    world.store.read((tx) => world.gate.readable(tx, { ...nobodyElse, ...principal }, name))?.path;
  const grant = (name: string, capabilities: readonly string[]) =>
    ({ name, actions: ['pull'], refused: [], capabilities }) as const;

  test('is what is public, by anybody', () => {
    expect(readable({}, 'example.com/open')).toBe('example.com/open');
    expect(readable({})).toBeUndefined();
    for (const name of ['example.com/none', 'nowhere/app', 'app', '']) expect(readable({}, name), name).toBeUndefined();
  });

  test('is what its token was granted, while its rights last', () => {
    const user = world.user(['manifest.list']);
    expect(readable({ identity: user, grants: [grant('example.com/app', ['manifest.list'])] })).toBe('example.com/app');
    expect(readable({ identity: user, grants: [grant('example.com/app', ['repo.list'])] })).toBeUndefined();
    expect(readable({ identity: user, grants: [grant('example.com/open', ['manifest.list'])] })).toBeUndefined();
    expect(readable({ grants: [grant('example.com/app', ['manifest.list'])] })).toBeUndefined();
    expect(readable({ identity: stranger, grants: [grant('example.com/app', ['manifest.list'])] })).toBeUndefined();
    const lister = world.user(['repo.list', 'tag.list']);
    expect(readable({ identity: lister, grants: [grant('example.com/app', everything)] })).toBeUndefined();
  });

  test('is what lies in the places that its token names', () => {
    const user = world.user(['manifest.list']);
    expect(readable({ identity: user, sources: [organization] })).toBe('example.com/app');
    expect(readable({ identity: user, sources: [demoOrganizations.public] })).toBeUndefined();
    expect(readable({ identity: user, sources: [organization] }, 'chainguard/other')).toBeUndefined();
    expect(readable({ identity: user, sources: [] })).toBeUndefined();
    expect(readable({ sources: [organization] })).toBeUndefined();
    expect(readable({ identity: world.user(['repo.list']), sources: [organization] })).toBeUndefined();
  });

  test('is what a platform token may pull', async () => {
    const principal = async (capabilities: readonly string[]) =>
      world.gate.identify(bearer(world.login(world.user(capabilities))), []);
    expect(readable(await principal(['manifest.list']))).toBe('example.com/app');
    expect(readable(await principal(['repo.list']))).toBeUndefined();
    expect(readable(await principal(['manifest.list']), 'chainguard/other')).toBeUndefined();
  });
});

describe('the catalog', () => {
  const list = async (token: string): Promise<string[] | string> => {
    const from = bearer(token);
    const principal = await world.gate.identify(from, 'catalog');
    let found: string[] = [];
    const refused = await refusal(() => {
      found = world.store.read((tx) => world.gate.catalog(tx, from, principal));
    });
    return refused === 'nothing refused' ? found : refused;
  };
  const scope = 'registry:catalog:*';

  test('lists organizations where the caller may list repositories, by either token', async () => {
    const user = world.user(['repo.list']);
    const login = world.login(user);
    const asked = await registryToken([scope], login);
    expect([await list(login), await list(asked)]).toEqual([[organization], [organization]]);
    const other = world.login(world.user(['manifest.list']));
    expect([await list(other), await list(await registryToken([scope], other))]).toEqual([[], []]);
    world.store.transact((tx) => tx.run('DELETE FROM role_bindings WHERE identity = ?', user));
    expect([await list(login), await list(asked)]).toEqual([[], []]);
  });

  test('is of organizations: a right in a folder is no right to it', async () => {
    const folder = world.store.read((tx) => tx.get('SELECT id FROM groups WHERE parent = ?', organization));
    const user = world.user(['repo.list'], String(folder?.['id']));
    const login = world.login(user, { ceiling: new Map([[String(folder?.['id']), new Set(everything)]]) });
    expect([await list(login), await list(await registryToken([scope], login))]).toEqual([[], []]);
  });

  test('is for who asked for it and is somebody', async () => {
    const login = world.login(world.user(['repo.list', 'manifest.list']));
    const without = await registryToken(['repository:example.com/app:pull'], login);
    expect(await list(without)).toBe(challenged(scope, 'insufficient_scope'));
    const anonymous = await registryToken(['repository:example.com/open:pull']);
    expect(await list(anonymous)).toBe(challenged(scope, 'insufficient_scope'));
  });
});

describe('a token is given', () => {
  const ask = (from: IncomingMessage, ...scopes: string[]) => refusal(() => world.gate.token(from, scopes));
  const given = 'nothing refused';
  const grantsOf = async (from: IncomingMessage, ...scopes: string[]) => {
    const { token } = await world.gate.token(from, scopes);
    const { grants } = await world.gate.identify(bearer(token), []);
    return grants.map(({ name, actions, refused }) => `${name} ${actions} ${refused}`.trim());
  };

  test('to nobody for what is public only', async () => {
    expect(await ask(request(), 'repository:example.com/open:pull')).toBe(given);
    expect(await ask(request(), 'repository:example.com/app:pull')).toBe('401 UNAUTHORIZED');
    expect(await ask(request(), 'repository:example.com/open:push')).toBe('401 UNAUTHORIZED');
    expect(await ask(request(), 'repository:example.com/none:pull')).toBe('401 UNAUTHORIZED');
    expect(await ask(request(), 'registry:catalog:*')).toBe('401 UNAUTHORIZED');
    expect(await ask(request())).toBe('403 FORBIDDEN');
    expect(await ask(request(), 'repository:nowhere/app:pull')).toBe('400 BAD_REQUEST');
  });

  test('to who sends good credentials, whatever they ask for, and to nobody who sends others', async () => {
    const token = world.login(dev);
    for (const from of [bearer(token), basic('user', token), basic('', token)]) expect(await ask(from)).toBe(given);
    for (const from of [
      ...[bearer('other'), basic('user', 'other'), basic('user', ''), basic(token, 'x')],
      ...[request(token), request('Digest x'), request('Basic'), request('Bearer')],
    ]) {
      expect(await ask(from, 'repository:example.com/open:pull')).toBe('403 FORBIDDEN');
    }
  });

  test('to an identity with its own password, its id written with a slash or an underscore', async () => {
    const identity = `${organization}/${'1'.repeat(16)}`;
    world.login(dev, {}, 'exchanged');
    for (const user of [identity, identity.replace('/', '_'), 'f'.repeat(40)]) {
      expect(await ask(basic(user, 'password'))).toBe(given);
      expect(world.exchanged.at(-1)).toEqual(['password', user.replace('_', '/'), '127.0.0.1:5000']);
    }
    expect(await ask(basic(identity, 'wrong'))).toBe('403 FORBIDDEN');
    await expect(world.gate.token(basic(identity, 'busy'), [])).rejects.toMatchObject({ code: 14 });
    // Other words are user names and no identities.
    const asked = world.exchanged.length;
    for (const user of ['f'.repeat(39), 'f'.repeat(41), `${identity}/1`, `x${identity}`, 'F'.repeat(40)]) {
      expect(await ask(basic(user, 'password')), user).toBe('403 FORBIDDEN');
    }
    expect(world.exchanged).toHaveLength(asked);
  });

  test.each<[string, readonly string[], string, string]>([
    ['for pulling', ['manifest.list'], 'repository:example.com/app:pull', 'example.com/app pull'],
    ['for pushing', ['manifest.create'], 'repository:example.com/app:push', 'example.com/app push'],
    ['for deleting manifests', ['manifest.delete'], 'repository:example.com/app:delete', 'example.com/app delete'],
    ['for deleting tags', ['tag.delete'], 'repository:example.com/app:delete', 'example.com/app delete'],
    [
      'for a part of what was asked',
      ['manifest.list'],
      'repository:example.com/app:push,pull',
      'example.com/app pull push',
    ],
    ['for all, by a star', everything, 'repository:example.com/app:*', 'example.com/app pull,push,delete'],
    ['for what is public', ['groups.list'], 'repository:example.com/open:pull,push', 'example.com/open pull push'],
    [
      'for a class of repositories',
      ['manifest.list'],
      'repository(plugin):example.com/app:pull',
      'example.com/app pull',
    ],
    [
      'for what it may make',
      ['manifest.create', 'repo.create'],
      'repository:example.com/new:pull,push',
      'example.com/new push pull',
    ],
    [
      'to look alone at what it may make',
      ['manifest.create', 'repo.create', 'manifest.list'],
      'repository:example.com/new:pull',
      'example.com/new pull',
    ],
  ])('%s', async (_, capabilities, scope, grants) => {
    expect(await grantsOf(bearer(world.login(world.user(capabilities))), scope)).toEqual([grants]);
  });

  test.each<[string, readonly string[], string]>([
    [
      'for pulling without that capability',
      everything.filter((one) => one !== 'manifest.list'),
      'repository:example.com/app:pull',
    ],
    [
      'for pushing without that capability',
      everything.filter((one) => one !== 'manifest.create'),
      'repository:example.com/app:push',
    ],
    [
      'for deleting without either',
      everything.filter((one) => !/^(manifest|tag)\.delete$/.test(one)),
      'repository:example.com/app:delete',
    ],
    ['for what it may not make', ['manifest.create'], 'repository:example.com/new:push'],
    [
      'for what it could only pull if it were there',
      ['manifest.list', 'manifest.create'],
      'repository:example.com/new:pull',
    ],
    ['for another organization', everything, 'repository:chainguard/other:pull'],
    ['for a name that is none', everything, 'repository:example.com/App:pull'],
    ['for a name without an organization', everything, 'repository:app:pull'],
    ['for no action', everything, 'repository:example.com/app:'],
    ['for an unknown action', everything, 'repository:example.com/app:read'],
    ['for another kind of thing', everything, 'image:example.com/app:pull'],
    ['for another list', everything, 'registry:other:*'],
    ['for a repository that is called like the list', everything, 'repository:catalog:*'],
    ['for nonsense', everything, 'nonsense'],
    ['for nonsense around a good scope', everything, 'x repository:example.com/app:pull'],
    ['for a good scope and nonsense', everything, 'repository:example.com/app:pull x'],
  ])('and none %s', async (_, capabilities, scope) => {
    expect(await ask(bearer(world.login(world.user(capabilities))), scope)).toBe('403 FORBIDDEN');
  });

  test('for what can be had of several scopes, each repository once', async () => {
    const from = bearer(world.login(world.user(['manifest.list', 'manifest.create'])));
    const [one, two] = ['repository:example.com/app:pull', 'repository:example.com/app:push'];
    expect(await grantsOf(from, one, two)).toEqual(['example.com/app pull,push']);
    expect(await grantsOf(from, 'repository:chainguard/other:pull', one)).toEqual(['example.com/app pull']);
    expect(await grantsOf(from, 'nonsense', one)).toEqual(['example.com/app pull']);
    expect(await grantsOf(from, 'repository:chainguard/other:pull', 'registry:catalog:*')).toEqual([]);
  });

  test('that says where blobs may come from when it may push, and only then', async () => {
    const user = world.user(['manifest.list', 'manifest.create']);
    const sources = async (scope: string) => {
      const token = await registryToken([scope], world.login(user));
      return (await world.gate.identify(bearer(token), [])).sources;
    };
    expect(await sources('repository:example.com/app:pull,push')).toEqual([organization]);
    expect(await sources('repository:example.com/app:pull')).toEqual([]);
    const several = ['repository:example.com/open:pull', 'repository:example.com/app:push'];
    const mixed = await registryToken(several, world.login(user));
    expect((await world.gate.identify(bearer(mixed), [])).sources).toEqual([organization]);
    const pusher = world.login(world.user(['manifest.create']));
    const token = await registryToken(['repository:example.com/app:push'], pusher);
    expect((await world.gate.identify(bearer(token), [])).sources).toEqual([]);
  });

  test('that says who it was', async () => {
    const scope = 'repository:example.com/open:pull';
    const actorOf = async (token?: string) =>
      (await world.gate.identify(bearer(await registryToken([scope], token)), [])).actor;
    expect(await actorOf(world.login(dev, { actor: { sub: 'ann' } }))).toEqual({ sub: 'ann' });
    expect(await actorOf()).toEqual({});
  });

  test('that is good when the platform was started again', async () => {
    const token = await registryToken(['repository:example.com/open:pull']);
    const { store, clock } = world;
    const refuses = () => Promise.reject(new StatusError(16, 'no'));
    const issuer = { verifyAccessToken: refuses, exchangeForIdentity: refuses };
    const urls = { api: registry, issuer: registry, registry, console: registry };
    const again = createAuthorization({ store, clock, urls, issuer });
    expect((await again.identify(bearer(token), [])).grants).toMatchObject([{ name: 'example.com/open' }]);
  });

  test('that lasts an hour at most, no longer than the login, and five minutes for nobody', async () => {
    const scope = 'repository:example.com/open:pull';
    const now = Math.floor(world.clock.now() / 1000);
    const life = async (from: IncomingMessage) => (await world.gate.token(from, [scope])).expiresIn;
    expect(await life(request())).toBe(300);
    expect(await life(bearer(world.login(dev)))).toBe(3600);
    expect(await life(bearer(world.login(dev, { expiresAt: now + 120 })))).toBe(120);
    // Clients take less than a minute for a minute; the token itself ends in time.
    const short = await world.gate.token(bearer(world.login(dev, { expiresAt: now + 30 })), [scope]);
    expect([short.expiresIn, short.issuedAt]).toEqual([60, world.clock.now()]);
    world.clock.advance(29_000);
    await world.gate.identify(bearer(short.token), []);
    world.clock.advance(1_000);
    expect(await refusal(() => world.gate.identify(bearer(short.token), []))).toContain('invalid_token');
  });
});

test('another registry’s tokens are not ours, whoever asks', async () => {
  const token = await registryToken(['repository:example.com/open:pull']);
  const elsewhere = { api: registry, issuer: registry, registry: 'http://127.0.0.1:5001', console: registry };
  const { store, clock } = world;
  const issuer = {
    verifyAccessToken: () => Promise.reject(new StatusError(16, 'no')),
    exchangeForIdentity: () => Promise.reject(new StatusError(16, 'no')),
  };
  const other = createAuthorization({ store, clock, urls: elsewhere, issuer });
  expect(await refusal(() => other.identify(bearer(token), []))).toContain('error="invalid_token"');
});

/** Only to be sure that the world is what the tests say. */
test('the world has a private and a public repository', () => {
  const paths = Object.values(world.repositories).map(({ path, public: open }: Repository) => `${path} ${open}`);
  expect(paths).toEqual(['example.com/app false', 'example.com/open true', 'chainguard/other false']);
});
