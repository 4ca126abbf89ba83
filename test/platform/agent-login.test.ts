// `auth login` as agents of clusters used it: 2022's with the id of the cluster and an invite, later ones from the variables of
// their pod (enforce.md 1.1, seed-era.json).

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtInRoleId, demoFolders, personId } from '../support/ids.ts';
import { startTestPlatform, TestClock } from '../support/platform.ts';
import { runCli } from '../support/run-cli.ts';
import { agentSubject, clusterIssuer, serviceAccountTokens } from '../support/service-account-tokens.ts';

const { engineering } = demoFolders;
const remoteId = 'ba5eba11-ba5e-4a11-8a6a-95fc2398fe16';

async function agentOf() {
  const clock = new TestClock(Date.now());
  const platform = await startTestPlatform({ clock });
  const owner = await platform.token(personId('dev@example.com'));
  const create = async (path: string, body: object) =>
    (await platform.call(owner, 'POST', `${path}/${engineering}`, { body })).body;
  const kubernetes = serviceAccountTokens(() => clock.now());
  const identity: string = (
    await create('/iam/v1/identities', {
      name: 'agent',
      static: { issuer: clusterIssuer, subject: agentSubject, issuerKeys: kubernetes.keys, audiences: ['gulfstream'] },
    })
  ).id;
  const folder = mkdtempSync(join(tmpdir(), 'agent-'));
  const token = join(folder, 'oidc-token');
  writeFileSync(token, kubernetes.token());
  const env = {
    CHAINGUARD_PLATFORM_API: platform.urls.api,
    CHAINGUARD_PLATFORM_AUDIENCE: platform.urls.api,
    CHAINGUARD_PLATFORM_ISSUER: platform.urls.issuer,
    XDG_CACHE_HOME: folder,
  };
  return {
    platform,
    identity,
    token,
    invite: async (): Promise<string> =>
      (await create('/iam/v1/group_invites', { role: builtInRoleId('gulfstream'), ttl: '600s' })).code,
    clusters: async () => (await platform.call(owner, 'GET', '/tenant/v1/clusters')).body.items ?? [],
    run: (words: readonly string[], more: Record<string, string> = {}) =>
      runCli(['auth', ...words], { env: { ...env, ...more } }),
  };
}

test('the agent of 2022 registers its cluster with an invite, and once is enough', async () => {
  const { run, identity, token, invite, clusters } = await agentOf();
  const words = ['login', `--cluster=${remoteId}`, `--identity-token=${token}`, `--identity=${identity}`];
  // Without an invite it only signs in.
  expect((await run(words)).code).toBe(0);
  expect(await clusters()).toEqual([]);
  const code = await invite();
  const first = await run([...words, `--invite-code=${code}`]);
  expect(first.code, first.err).toBe(0);
  expect(first.out).toBe(`Valid! Id: ${identity}\n`);
  expect(first.err).toContain(`Registered the cluster ${remoteId}.`);
  expect(await clusters()).toMatchObject([{ remoteId, name: remoteId }]);
  // The pod starts again with the same words.
  const again = await run([...words, `--invite-code=${code}`]);
  expect(again.code, again.err).toBe(0);
  expect(again.err).not.toContain('Registered');
  expect(await clusters()).toHaveLength(1);
});

test('the agent in a pod signs in from its variables, for its own audience as well', async () => {
  const { run, platform, identity, token, invite, clusters } = await agentOf();
  const variables = {
    IDENTITY_UID: identity,
    INVITE_CODE: await invite(),
    CHAINGUARD_CLUSTER_NAME: 'kind-one',
    CHAINGUARD_CLUSTER_DESCRIPTION: 'For tests',
  };
  const words = ['login', '--audience', 'gulfstream', '--identity-token', token, '--gulfstream'];
  const { code, err } = await run([...words, '--prefer-ambient-credentials', `--cluster=${remoteId}`], variables);
  expect(code, err).toBe(0);
  const [cluster] = await clusters();
  expect(cluster).toMatchObject({ remoteId, name: 'kind-one', description: 'For tests' });
  const ready = await run(['status', '--quick', '--audience', 'gulfstream', '--output=terse']);
  expect(ready.code, ready.err).toBe(0);
  const shown = (await run(['token', '--audience=gulfstream'])).out.trim();
  const { status, body } = await platform.call(shown, 'GET', `/local/enforce/v1/clusters/${cluster.id}/policies`);
  expect([status, body.profiles]).toEqual([200, ['observer']]);
  // That audience is for what agents do, and nothing else.
  expect((await platform.call(shown, 'GET', '/iam/v1/groups')).status).toBe(401);
});

test('what is not known is said, and nothing is registered', async () => {
  const { run, token, invite, clusters } = await agentOf();
  const nobody = await run(['login', `--cluster=${remoteId}`]);
  expect(nobody.err).toContain(`No agent of "${remoteId}" was set up here`);
  const nameless = await run(['login', `--cluster=${remoteId}`, `--identity-token=${token}`]);
  expect(nameless.err).toContain('No identity is known for the agent of the cluster');
  const named = await run(['login', '--cluster=kind', `--identity-token=${token}`, `--invite-code=${await invite()}`]);
  expect(named.err).toContain('`--cluster` "kind" is not the uid of a namespace');
  const nowhere = await run(['login', '--gulfstream', `--identity-token=${token}`, `--invite-code=${await invite()}`]);
  expect(nowhere.err).toContain('This is no pod');
  const elsewhere = await run(['login', '--gulfstream']);
  expect(elsewhere.code).toBe(2);
  expect(elsewhere.err).toContain('This is no pod of an agent: there is no /var/run/sts-in/oidc-token');
  expect((await run(['login', '--gulfstream', '--headless'])).err).toContain(
    '`--gulfstream` and `--headless` cannot be used together',
  );
  expect(await clusters()).toEqual([]);
});
