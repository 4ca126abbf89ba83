// Every example that the reference gives for an iam command does what it says, on a platform that holds what it names.
// The ids in examples stand for things of the kind that the command is about, so they are replaced by ids of this world.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { insertGroup } from '../../src/local/iam/groups.ts';
import { builtInRoleId, demoFolders, personId } from '../support/ids.ts';
import { temporaryFolder } from '../support/platform.ts';
import type { Answer } from '../support/run-cli.ts';
import { shellWords } from '../support/shell-words.ts';
import { type SignedIn, signedIn } from '../support/signed-in.ts';

interface Example {
  readonly path: string;
  readonly line: string;
}

// The file is written by scripts/vendor-cli.mjs.
const { examples } = JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/cli-examples.json'), 'utf8')) as {
  examples: Example[];
};
const iam = examples.filter(({ path }) => /^iam( |$)/.test(path));

const owner = personId('dev@example.com');

/** Things that the examples name. What an example creates is not there yet. */
interface World {
  readonly session: SignedIn;
  readonly organization: string;
  readonly folder: string;
  readonly provider: string;
  readonly mapping: string;
  readonly binding: string;
  readonly role: string;
}

async function world({ path }: Example): Promise<World> {
  const session = await signedIn();
  const { store } = session.platform;
  const root = (name: string) =>
    store.transact((tx) => {
      const id = String(insertGroup(tx, { parent: '', name, description: '', status: 'ORG_STATUS_READY' }).id);
      bindRole(tx, { group: id, identity: owner, role: builtInRoleId('owner') });
      return id;
    });
  const organization = root('my-org');
  for (const name of ['my-org-name', 'eng-org', 'example']) root(name);
  // Owners of today do not hold what cluster policies needed, and nobody grants more than they hold.
  const past = `${organization}/00000000000000aa`;
  if (path === 'iam roles update') {
    store.transact((tx) => {
      tx.run(
        "INSERT INTO roles (id, parent, name, description, capabilities, created_at, updated_at) VALUES (?, ?, 'past', '', ?, 0, 0)",
        past,
        organization,
        JSON.stringify(['policy.create']),
      );
      bindRole(tx, { group: organization, identity: owner, role: past });
    });
  }
  // The last owner of an organization cannot leave.
  session.platform.user('second@example.com', ['owner', organization]);

  const token = await session.platform.token(owner);
  const make = async (route: string, parent: string, body: object): Promise<string> => {
    const made = await session.platform.call(token, 'POST', `/iam/v1/${route}/${parent}`, { body });
    expect(made.status, JSON.stringify(made.body)).toBe(200);
    return String(made.body.id);
  };
  const isAbout = (nouns: RegExp) => nouns.test(path);
  const folder = isAbout(/^iam folders/) ? await make('groups', organization, { name: 'my-folder' }) : '';
  const claimMatch = { issuer: 'https://issuer.mycompany.com', subject: 'somebody' };
  if (isAbout(/^iam identities (?!create)/))
    await make('identities', organization, { name: 'my-identity', claimMatch });
  const role = isAbout(/^iam roles (?!create)/)
    ? await make('roles', organization, {
        name: 'my-role',
        capabilities: ['groups.list', 'identity.list', 'policy.list'],
      })
    : '';
  let binding = '';
  if (isAbout(/^iam role-bindings/)) {
    const guest = await make('identities', demoFolders.engineering, { name: 'guest-identity', claimMatch });
    await make('identities', demoFolders.engineering, { name: 'support-identity', claimMatch });
    const pulls = { identity: guest, role: builtInRoleId('registry.pull') };
    binding = await make('rolebindings', demoFolders.engineering, pulls);
  }
  let provider = '';
  let mapping = '';
  if (isAbout(/^iam (identity-providers|external-group-role-mappings)/)) {
    provider = await make('identityProviders', organization, {
      name: 'my-idp',
      oidc: { issuer: 'https://idp.example.com', clientId: 'c', pkceEnabled: true, groupsClaim: 'groups' },
    });
    mapping = await make('externalGroupRoleMappings', provider, {
      externalGroupId: 'Somebody-Else',
      roleUidp: builtInRoleId('viewer'),
      scope: organization,
    });
  }
  if (path.endsWith('token regenerate')) {
    const route = `/iam/v1/identityProviders/${provider}:generateScimToken`;
    const answer = await session.platform.call(token, 'POST', route, { body: {} });
    expect(answer.status).toBe(200);
  }
  return { session, organization, folder, provider, mapping, binding, role };
}

const keys = JSON.stringify({
  keys: [
    {
      kty: 'EC',
      crv: 'P-256',
      kid: 'k',
      alg: 'ES256',
      use: 'sig',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
  ],
});

/** An id in an example, by what the command is about. */
function standIn(word: string, { path }: Example, made: World): string {
  if (word === 'MAPPING_UIDP') return made.mapping;
  if (word === 'IDP_UIDP') return made.provider;
  if (word === '3ed98fc...') return made.role;
  // Stands for keys, and is none.
  if (word === '--issuer-keys=deadbeef') return `--issuer-keys=${keys}`;
  if (!/^[0-9a-f]{40}/.test(word)) return word;
  if (path.startsWith('iam organizations')) return made.organization;
  if (path.startsWith('iam folders')) return made.folder;
  if (path.startsWith('iam identity-providers')) return made.provider;
  if (path.startsWith('iam role-bindings')) return made.binding;
  throw new Error(`no stand-in for ${word}`);
}

/** What a person answers where an example leaves something to be picked. */
const answers: Readonly<Record<string, readonly Answer[]>> = {
  'chainctl iam folders delete': ['my-folder', true],
  'chainctl iam organizations delete': ['my-org', 'my-org'],
  'chainctl iam role-bindings create': ['engineering', 'guest-identity', 'viewer', true],
  'chainctl iam roles create my-role': ['my-org', ['groups.list', 'repo.list'], true],
  'chainctl iam invite create my-org-name --email=kim@example.com': ['viewer'],
  'chainctl iam invite create my-org-name --single-use': ['viewer'],
  'chainctl iam roles update my-role --add-capabilities=': [['repo.list'], true],
};

test('there are examples', () => {
  expect(iam.length).toBeGreaterThan(70);
  const lines = iam.map(({ line }) => line);
  for (const line of Object.keys(answers)) expect(lines).toContain(line);
});

describe.each(iam.map((example) => [example.line, example] as const))('%s', (line, example) => {
  test('runs', async () => {
    const made = await world(example);
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, 'path/to'), { recursive: true });
    writeFileSync(
      join(cwd, 'path/to/identity-definition.json'),
      JSON.stringify({ claimMatch: { issuer: 'https://issuer.mycompany.com', subject: '1234' } }),
    );
    const [program, ...words] = shellWords(line);
    expect(program).toBe('chainctl');
    const argv = words.map((word) => standIn(word, example, made));
    const picks = answers[line];
    // Questions are about what the example says to do.
    const person = picks === undefined ? { stdin: 'y\n' } : { tty: true, answers: picks };
    const env = { CHAINGUARD_DEFAULT_GROUP: picks === undefined ? 'my-org' : undefined };
    const run = await made.session.run(argv, { cwd, env, ...person });
    expect(run, run.err).toMatchObject({ code: 0 });
    expect(run.err).not.toContain('error:');
  });
});
