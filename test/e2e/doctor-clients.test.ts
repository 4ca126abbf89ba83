// Which credentials Docker, podman, skopeo and crane take for an image, out of every place that can hold some: the real clients
// are asked, and what `chainctl doctor --image` reads has to say the same. A client that is missing is not asked, but podman and
// skopeo are always there.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, clients, credentialOrder } from '../../src/docker/client-order.ts';
import { settingsOf } from '../../src/doctor/npm.ts';
import { podman, podmanPull, skopeo } from '../support/clients.ts';
import { fakeHost } from '../support/fake-host.ts';
import { createWorld, type Person, runProcess, signIn } from '../support/program.ts';

const world = createWorld();
let server: Server;
let host: string;
/** Users that were shown to the registry, in order. */
let shown: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const { authorization } = request.headers;
    if (authorization?.startsWith('Basic ')) {
      shown.push(Buffer.from(authorization.slice(6), 'base64').toString().split(':')[0] ?? '');
    }
    response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
    if (authorization !== undefined) return void response.writeHead(404).end('{"errors":[]}');
    response.setHeader('WWW-Authenticate', 'Basic realm="judge"');
    response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const repository = 'example.com/app';

/** Of the clients that are there, what they say. */
const versions = new Map<Client, string>();
for (const client of clients) {
  const ran = spawnSync(client, [client === 'crane' ? 'version' : '--version'], { encoding: 'utf8' });
  if (ran.error === undefined) versions.set(client, ran.stdout);
}

test('podman and skopeo are there', () => {
  expect([...versions.keys()]).toEqual(expect.arrayContaining(['podman', 'skopeo']));
});

/** The user that the client shows for the image; undefined for nobody. */
async function judge(client: Client, person: Person): Promise<string | undefined> {
  shown = [];
  const image = `${host}/${repository}:latest`;
  const options = { cwd: person.home };
  const words = ['manifest', 'inspect', '--insecure', image];
  if (client === 'docker') await runProcess('docker', words, person.env, options);
  else if (client === 'crane') await runProcess('crane', ['digest', '--insecure', image], person.env, options);
  else if (client === 'skopeo') await skopeo(person, ['inspect', '--tls-verify=false', `docker://${image}`]);
  else await podman(person, ['pull', '--quiet', '--tls-verify=false', image]);
  // podman shows an empty user where it has none.
  const users = [...new Set(shown)].filter((user) => user !== '');
  expect(users.length, `${client} shows one user`).toBeLessThan(2);
  return users[0];
}

const login = (user: string) => ({ auth: Buffer.from(`${user}:not-a-secret`).toString('base64') });

/** Every place that can hold credentials, by a short name. */
const places = {
  runtime: 'run/containers/auth.json',
  config: '.config/containers/auth.json',
  docker: '.docker/config.json',
  oldest: '.dockercfg',
  named: 'named.json',
  folder: 'elsewhere/config.json',
} as const;

interface Scenario {
  readonly about: string;
  readonly files: (registry: string) => Partial<Record<keyof typeof places, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

const scenarios: readonly Scenario[] = [
  { about: 'a helper for the registry in Docker’s file', files: (r) => ({ docker: { credHelpers: { [r]: 'one' } } }) },
  {
    about: 'a helper and an entry for the registry in one file',
    files: (r) => ({ docker: { credHelpers: { [r]: 'one' }, auths: { [r]: login('entry') } } }),
  },
  {
    about: 'a helper for the registry and an entry for the repository in one file',
    files: (r) => ({ docker: { credHelpers: { [r]: 'one' }, auths: { [`${r}/${repository}`]: login('repository') } } }),
  },
  {
    about: 'a login of podman before the helper in Docker’s file',
    files: (r) => ({ runtime: { auths: { [r]: login('runtime') } }, docker: { credHelpers: { [r]: 'one' } } }),
  },
  {
    about: 'a login that outlives the session before the helper in Docker’s file',
    files: (r) => ({ config: { auths: { [r]: login('config') } }, docker: { credHelpers: { [r]: 'one' } } }),
  },
  {
    about: 'a store for all',
    files: (r) => ({ docker: { credsStore: 'two', auths: { [r]: login('entry') } } }),
  },
  {
    about: 'a store for all beside a helper for the registry',
    files: (r) => ({ docker: { credsStore: 'two', credHelpers: { [r]: 'one' } } }),
  },
  {
    about: 'an entry as Docker of old spelled it',
    files: (r) => ({ docker: { auths: { [`https://${r}/v1/`]: login('spelled') } } }),
  },
  {
    about: 'an entry for an organization and one for the registry',
    files: (r) => ({ docker: { auths: { [r]: login('registry'), [`${r}/example.com`]: login('organization') } } }),
  },
  {
    about: 'a named file for podman and skopeo',
    files: (r) => ({ named: { auths: { [r]: login('named') } }, docker: { credHelpers: { [r]: 'one' } } }),
    env: { REGISTRY_AUTH_FILE: 'named.json' },
  },
  {
    about: 'a named file without the registry',
    files: (r) => ({ named: { auths: {} }, docker: { credHelpers: { [r]: 'one' } } }),
    env: { REGISTRY_AUTH_FILE: 'named.json' },
  },
  {
    about: 'a folder of Docker’s beside a login of podman',
    files: (r) => ({ runtime: { auths: { [r]: login('runtime') } }, folder: { credHelpers: { [r]: 'one' } } }),
    env: { DOCKER_CONFIG: 'elsewhere' },
  },
  {
    about: 'podman’s login without any file of Docker',
    files: (r) => ({ runtime: { auths: { [r]: login('runtime') } } }),
  },
  { about: 'the oldest file', files: (r) => ({ oldest: { [r]: login('oldest') } }) },
  {
    about: 'a helper that has nothing',
    files: (r) => ({ runtime: { credHelpers: { [r]: 'none' } }, docker: { auths: { [r]: login('entry') } } }),
  },
  { about: 'nothing', files: () => ({}) },
];

const helper = (user: string) =>
  `#!/bin/sh\ncat >/dev/null\necho '{"ServerURL":"x","Username":"${user}","Secret":"not-a-secret"}'\n`;

/** Somebody with the files of a scenario, and helpers that answer with their names. */
function personWith({ files, env = {} }: Scenario): Person {
  const person = world.person('judge');
  rmSync(join(person.home, '.docker'), { recursive: true, force: true });
  mkdirSync(join(person.home, 'run', 'containers'), { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(files(host))) {
    person.write(places[name as keyof typeof places], JSON.stringify(content));
  }
  person.write('bin/docker-credential-one', helper('helper-one'), 0o755);
  person.write('bin/docker-credential-two', helper('helper-two'), 0o755);
  person.write(
    'bin/docker-credential-none',
    '#!/bin/sh\ncat >/dev/null\necho "credentials not found in native keychain"\nexit 1\n',
    0o755,
  );
  const own = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, join(person.home, value)]));
  Object.assign(person.env, own, {
    PATH: `${join(person.home, 'bin')}:${person.env['PATH']}`,
    XDG_RUNTIME_DIR: join(person.home, 'run'),
  });
  return person;
}

test.each(scenarios)('$about', async (scenario) => {
  const person = personWith(scenario);
  for (const client of versions.keys()) {
    const fake = Object.assign(fakeHost({ env: person.env }), { home: () => person.home });
    const { places: found } = credentialOrder(client, fake, { registry: host, repository }, versions.get(client));
    const users = found.map(({ path, key, helper: program }) => {
      if (program !== undefined) return program === 'none' ? undefined : `helper-${program}`;
      const file = JSON.parse(person.read(path.slice(person.home.length + 1)));
      const name = JSON.parse(/\[(.*)\]$/.exec(key)?.[1] ?? '""');
      const { auth } = (path.endsWith('.dockercfg') ? file : file.auths)[name];
      return Buffer.from(auth, 'base64').toString().split(':')[0];
    });
    expect(
      users.find((user) => user !== undefined),
      `what doctor says of ${client}`,
    ).toBe(await judge(client, person));
  }
});

test('the command that doctor prints mends a pull of podman', async () => {
  const platform = await world.startPlatform();
  const person = world.person('mended', platform);
  await signIn(person, platform, 'dev@example.com', [platform.registryHost]);
  const image = `${platform.registryHost}/example.com/app:latest`;
  const words = ['doctor', `--image=${image}`, '--output=json'];
  await person.ok('auth', 'configure-docker');
  person.write('run/containers/auth.json', JSON.stringify({ auths: { [platform.registryHost]: login('stranger') } }));
  person.env['XDG_RUNTIME_DIR'] = join(person.home, 'run');
  expect((await podmanPull(person, image)).code).not.toBe(0);
  const found = await person.chainctl(words);
  expect(found.code, found.err).toBe(1);
  const { checks } = JSON.parse(found.out);
  expect(checks.at(-1)).toMatchObject({ check: 'credentials', file: join(person.home, 'run/containers/auth.json') });
  const mended = await person.sh(checks.at(-1).fix);
  expect(mended.code, mended.err).toBe(0);
  const well = await person.chainctl(words);
  expect(well.code, well.out).toBe(0);
  const said = `The registry gives ${image}, which is sha256:`;
  expect(JSON.parse(well.out).checks.at(-1).message.startsWith(said)).toBe(true);
  const pulled = await podmanPull(person, image);
  expect(pulled.code, pulled.err).toBe(0);
});

test.each([
  [
    'a variable',
    { npm_config_registry: 'https://one.example/' },
    { 'project/.npmrc': 'registry=https://two.example/' },
  ],
  [
    'the project’s file',
    {},
    { 'project/.npmrc': 'registry=https://two.example/', '.npmrc': 'registry=https://three.example/' },
  ],
  ['the user’s file', {}, { '.npmrc': 'registry=https://three.example/' }],
])('npm takes its registry from %s', async (_, env, files) => {
  const person = world.person('npm');
  const project = join(person.home, 'project');
  person.write('project/package.json', '{"name":"x","version":"1.0.0"}');
  for (const [path, content] of Object.entries(files)) person.write(path, content);
  const asked = await runProcess('npm', ['config', 'get', 'registry'], person.env, { cwd: project, env });
  const fake = Object.assign(fakeHost({ env: { ...person.env, ...env }, cwd: project }), { home: () => person.home });
  expect(asked.out.trim()).toBe(settingsOf(fake).find(({ key }) => key === 'registry')?.value);
});
