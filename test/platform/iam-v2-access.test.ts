// iam.v2 beyond its four main services: how people get in (invites, identity providers, group mappings), the clouds of a
// group, and accepted terms. The records are those of v1.

import { beforeEach, describe, expect, test } from 'vitest';
import { builtInRoleId, demoFolders, dev, organization } from '../support/ids.ts';
import { startLoopbackClouds } from '../support/loopback-clouds.ts';
import { startLoopbackIssuer } from '../support/loopback-issuer.ts';
import { callsOf, startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';

const { engineering, sandbox } = demoFolders;
const viewer = builtInRoleId('viewer');
const now = '2026-03-27T13:55:00.785Z';
const later = '2026-03-27T13:55:01.785Z';

let clock: TestClock;
let platform: TestPlatform;
let owner: string;

beforeEach(async () => {
  clock = new TestClock();
  platform = await startTestPlatform({ clock });
  owner = await platform.token(dev);
});

const { call, ok, refusal } = callsOf(() => ({ platform, token: owner }));

/** All that has been written to the store about events. */
const events = () => platform.store.read((tx) => JSON.stringify(tx.all('SELECT * FROM outbox')));

describe.each(['v2', 'v2beta1'])('group invites in %s', (version) => {
  const invites = `/iam/${version}/groupInvites`;
  const wanted = { roleUid: viewer, ttl: '3600s', email: 'new@example.com', singleUse: true };

  test('are made with a code that is shown once, read and deleted', async () => {
    const made = await ok('POST', `${invites}/${engineering}`, wanted);
    expect(made).toEqual({
      uid: expect.stringMatching(new RegExp(`^${engineering}/[0-9a-f]{16}$`)),
      roleUid: viewer,
      role: {
        uid: viewer,
        name: 'viewer',
        description: expect.any(String),
        capabilities: expect.arrayContaining(['CAP_IAM_GROUPS_LIST']),
      },
      email: 'new@example.com',
      ttl: null,
      expirationTime: '2026-03-27T14:55:00.785Z',
      singleUse: true,
      code: expect.stringMatching(/.{20}/),
      keyId: expect.stringMatching(/^[0-9a-f]+$/),
      createTime: now,
    });
    expect(await ok('GET', `${invites}/${made.uid}`)).toEqual({ ...made, code: '' });
    expect((await ok('GET', invites)).groupInvites).toEqual([{ ...made, code: '' }]);
    expect(events()).not.toContain(made.code);
    expect(await ok('DELETE', `${invites}/${made.uid}`)).toEqual({});
    expect((await call('GET', `${invites}/${made.uid}`)).status).toBe(404);
    expect((await call('DELETE', `${invites}/${made.uid}`)).status).toBe(404);
    expect(platform.events()).toEqual([
      { type: 'dev.chainguard.api.iam.group_invite.created.v1', subject: made.uid },
      { type: 'dev.chainguard.api.iam.group_invite.deleted.v1', subject: made.uid },
    ]);
  });

  test('come newest first, and without the role that has been deleted', async () => {
    const role = await ok('POST', `/iam/${version}/roles/${organization}`, {
      name: 'x',
      capabilities: ['CAP_IAM_GROUPS_LIST'],
    });
    const first = await ok('POST', `${invites}/${engineering}`, { ...wanted, roleUid: role.uid });
    clock.advance(1000);
    const second = await ok('POST', `${invites}/${sandbox}`, wanted);
    await ok('DELETE', `/iam/${version}/roles/${role.uid}`);
    const page = await ok('GET', `${invites}?page_size=1`);
    expect(page).toMatchObject({ groupInvites: [{ uid: second.uid }], totalCount: '2' });
    const rest = await ok('GET', `${invites}?page_size=1&page_token=${page.nextPageToken}`);
    expect(rest).toMatchObject({ groupInvites: [{ uid: first.uid, role: null, roleUid: '' }], nextPageToken: '' });
    expect((await ok('GET', `${invites}?key_id=${first.keyId}`)).totalCount).toBe('1');
    expect((await ok('GET', `${invites}?uidp.children_of=${sandbox}`)).groupInvites).toMatchObject([
      { uid: second.uid },
    ]);
  });

  test('need a role and a time', async () => {
    const { ttl: _ttl, ...endless } = wanted;
    const { roleUid: _role, ...powerless } = wanted;
    expect(await refusal('POST', `${invites}/${engineering}`, endless)).toEqual([
      400,
      'Invalid argument: ttl: is required',
    ]);
    expect(await refusal('POST', `${invites}/${engineering}`, powerless)).toEqual([
      400,
      'Invalid argument: role_uid: is required',
    ]);
  });
});

describe.each(['v2', 'v2beta1'])('identity providers in %s', (version) => {
  const providers = `/iam/${version}/identityProviders`;
  const oidc = { issuer: 'https://acme.okta.example', clientId: '0oa1', clientSecret: 'very-secret' };
  const secretOf = (id: string) =>
    platform.store.read((tx) => tx.get('SELECT client_secret FROM identity_providers WHERE id = ?', id))?.[
      'client_secret'
    ];
  const make = (body: object = {}) => ok('POST', `${providers}/${organization}`, { name: 'okta', oidc, ...body });

  test('are made, read, changed and deleted, and never tell the secret', async () => {
    const made = await make({ defaultRole: viewer });
    expect(made).toEqual({
      uid: expect.stringMatching(new RegExp(`^${organization}/[0-9a-f]{16}$`)),
      name: 'okta',
      description: '',
      createTime: now,
      updateTime: now,
      defaultRole: viewer,
      oidc: {
        issuer: oidc.issuer,
        clientId: '0oa1',
        clientSecret: '',
        additionalScopes: [],
        groupsClaim: '',
        correlationRule: 'CORRELATION_RULE_SUB_EQUALS_EXTERNAL_ID',
        pkceEnabled: false,
      },
      scim: {
        enabled: false,
        endpointUrl: `${platform.urls.api}/scim/v2/${made.uid}`,
        tokenExpireTime: null,
        previousTokenExpireTime: null,
        credentialState: 'CREDENTIAL_STATE_NOT_ISSUED',
        etag: '',
      },
    });
    expect(await ok('GET', `${providers}/${made.uid}`)).toEqual(made);
    clock.advance(1000);
    const changed = await ok('PATCH', `${providers}/${made.uid}`, { oidc: { groupsClaim: 'groups' } });
    expect(changed).toEqual({ ...made, updateTime: later, oidc: { ...made.oidc, groupsClaim: 'groups' } });
    expect(secretOf(made.uid)).toBe('very-secret');
    expect(await ok('DELETE', `${providers}/${made.uid}`)).toEqual({});
    expect((await call('GET', `${providers}/${made.uid}`)).status).toBe(404);
    expect(platform.events().map(({ type }) => type)).toEqual(
      ['created', 'updated', 'deleted'].map((what) => `dev.chainguard.api.iam.identity_providers.${what}.v1`),
    );
    expect(events()).not.toContain('very-secret');
  });

  test('lists come in pages and say nothing of SCIM', async () => {
    for (const name of ['a', 'b', 'c']) await make({ name });
    const page = await ok('GET', `${providers}?page_size=2&order_by=name%20desc`);
    expect(page).toMatchObject({ identityProviders: [{ name: 'c', scim: null }, { name: 'b' }], totalCount: '3' });
    const rest = await ok('GET', `${providers}?page_size=2&order_by=name%20desc&page_token=${page.nextPageToken}`);
    expect(rest).toMatchObject({ identityProviders: [{ name: 'a' }], nextPageToken: '' });
    expect((await ok('GET', `${providers}?name=b`)).totalCount).toBe('1');
  });

  test('keep the secret unless the mask names it, and the rule always', async () => {
    const { uid } = await make();
    const at = (mask: string) => `${providers}/${uid}${mask === '' ? '' : `?update_mask=${mask}`}`;
    const send = (mask: string, body: object) => ok('PATCH', at(mask), body);
    const { clientSecret: _secret, ...open } = oidc;
    // The Terraform provider replaces everything, and without a secret when it has none.
    await send('*', { name: 'okta', oidc: open });
    expect(secretOf(uid)).toBe('very-secret');
    await send('oidc', { oidc: { ...open, clientSecret: 'other' } });
    expect(secretOf(uid)).toBe('other');
    // What was read is written back, but for the secret, which is there as empty text.
    const read = await ok('GET', `${providers}/${uid}`);
    expect(await refusal('PATCH', at(''), read)).toEqual([
      400,
      'Invalid argument: identity provider needs oidc.client_secret or oidc.pkce_enabled',
    ]);
    expect(secretOf(uid)).toBe('other');
    const rule = { oidc: { correlationRule: 'CORRELATION_RULE_OID_EQUALS_EXTERNAL_ID' } };
    expect(await refusal('PATCH', at(''), rule)).toEqual([
      400,
      'Invalid argument: oidc.correlation_rule: cannot be changed: create another identity provider',
    ]);
  });

  test('the provider is asked for PKCE, of what the mask makes of it', async () => {
    const issuer = await startLoopbackIssuer(() => clock.now());
    const publish = (method: string) =>
      issuer.answers.set('/.well-known/openid-configuration', (response) => {
        response.end(JSON.stringify({ issuer: issuer.url, code_challenge_methods_supported: [method] }));
      });
    publish('plain');
    const { uid } = await make({ oidc: { ...oidc, issuer: issuer.url } });
    expect(await refusal('PATCH', `${providers}/${uid}`, { oidc: { pkceEnabled: true } })).toEqual([
      400,
      'Precondition failed: oidc.pkce_enabled: the provider does not support PKCE with S256',
    ]);
    publish('S256');
    const cleared = { oidc: { pkceEnabled: true, clientSecret: '' } };
    expect((await ok('PATCH', `${providers}/${uid}`, cleared)).oidc.pkceEnabled).toBe(true);
    expect(secretOf(uid)).toBe('');
  });

  test('SCIM tokens are shown once, renewed, revoked; the switch is apart', async () => {
    const { uid } = await make();
    const scim = (verb: string, body: object = {}) => ok('POST', `${providers}/${uid}:${verb}`, body);
    const first = await scim('generateScimToken');
    expect(first).toEqual({
      token: expect.stringMatching(/^cgscim_[0-9a-f]{64}$/),
      endpointUrl: `${platform.urls.api}/scim/v2/${uid}`,
      expireTime: '2027-03-27T13:55:00.785Z',
      identityProviderUid: uid,
      etag: expect.stringMatching(/./),
    });
    expect(await refusal('POST', `${providers}/${uid}:generateScimToken`, {})).toEqual([
      400,
      'Precondition failed: the identity provider already has a SCIM token: regenerate it',
    ]);
    const second = await scim('regenerateScimToken', { etag: first.etag, overlap: '60s', neverExpires: true });
    expect(second).toMatchObject({ expireTime: null, requestedOverlap: '60s', identityProviderUid: uid });
    expect((await ok('GET', `${providers}/${uid}`)).scim.credentialState).toBe('CREDENTIAL_STATE_ROTATING');
    platform.user('second-owner@example.com', ['owner', organization]);
    const on = await scim('setScimEnabled', { enabled: true, etag: second.etag });
    expect(on).toEqual({ identityProviderUid: uid, enabled: true, etag: expect.not.stringMatching(second.etag) });
    const revoked = await scim('revokeScimToken');
    expect(revoked).toEqual({ identityProviderUid: uid, etag: expect.any(String), enabled: true, revokeTime: now });
    const rows = platform.store.read((tx) => tx.all("SELECT subject, group_id FROM outbox WHERE type LIKE '%scim%'"));
    expect(rows).toEqual(Array(4).fill({ subject: uid, group_id: organization }));
    for (const { token } of [first, second]) expect(events()).not.toContain(token);
  });
});

describe.each(['v2', 'v2beta1'])('group mappings in %s', (version) => {
  const mappings = `/iam/${version}/externalGroupRoleMappings`;
  let provider: string;

  beforeEach(async () => {
    const oidc = { issuer: 'https://idp.example', clientId: 'c', clientSecret: 's' };
    provider = (await ok('POST', `/iam/${version}/identityProviders/${organization}`, { name: 'idp', oidc })).uid;
  });

  const make = (group: string) =>
    ok('POST', `${mappings}/${provider}`, { externalGroupId: group, roleUid: viewer, scope: organization });

  test('are made, read, listed in pages and deleted', async () => {
    const made = await make('devs');
    expect(made).toEqual({
      uid: expect.stringMatching(new RegExp(`^${provider}/[0-9a-f]{16}$`)),
      identityProviderUid: provider,
      externalGroupId: 'devs',
      roleUid: viewer,
      scope: organization,
      createTime: now,
    });
    expect(await ok('GET', `${mappings}/${made.uid}`)).toEqual(made);
    await make('ops');
    const query = `identity_provider_uid=${provider}&order_by=external_group_id&page_size=1`;
    const page = await ok('GET', `${mappings}?${query}`);
    expect(page).toMatchObject({ externalGroupRoleMappings: [made], totalCount: '2' });
    const rest = await ok('GET', `${mappings}?${query}&page_token=${page.nextPageToken}`);
    expect(rest).toMatchObject({ externalGroupRoleMappings: [{ externalGroupId: 'ops' }], nextPageToken: '' });
    expect(await ok('DELETE', `${mappings}/${made.uid}`)).toEqual({});
    expect((await call('GET', `${mappings}/${made.uid}`)).status).toBe(404);
    expect((await call('DELETE', `${mappings}/${made.uid}`)).status).toBe(404);
    const last = platform.store.read((tx) => tx.get('SELECT group_id, extensions FROM outbox ORDER BY seq DESC'));
    expect(last?.['group_id']).toBe(organization);
    expect(JSON.parse(String(last?.['extensions']))).toMatchObject({ identityprovider: provider });
  });

  test('many are deleted at once; what is gone is passed over, what is elsewhere refused', async () => {
    const [one, two] = [await make('a'), await make('b')];
    const names = [one.uid, `${provider}/0123456789abcdef`, two.uid];
    const gone = await ok('POST', `${mappings}:batchDelete`, { parent: provider, names });
    expect(gone).toEqual({ parent: provider, externalGroupRoleMappings: [one, two] });
    expect(platform.events().at(-1)).toEqual({
      type: 'dev.chainguard.api.iam.external_group_role_mappings.deleted.batch.v1',
      subject: provider,
    });
    expect(await refusal('POST', `${mappings}:batchDelete`, { parent: provider, names: [] })).toEqual([
      400,
      'Invalid argument: names: is required',
    ]);
    const [status] = await refusal('POST', `${mappings}:batchDelete`, { parent: provider, names: [organization] });
    expect(status).toBe(400);
  });

  test('say which field is wrong', async () => {
    const wrong = { externalGroupId: 'devs', roleUid: viewer, scope: engineering };
    expect(await refusal('POST', `${mappings}/${provider}`, wrong)).toEqual([
      400,
      'Invalid argument: scope: must be the organization that the identity provider belongs to',
    ]);
    expect(await refusal('POST', `${mappings}/${provider}`, { ...wrong, scope: organization, roleUid: '' })).toEqual([
      400,
      'Invalid argument: role_uid: is required',
    ]);
  });
});

describe.each(['v2', 'v2beta1'])('account associations in %s', (version) => {
  const associations = `/iam/${version}/accountAssociations`;
  const amazon = { account: '123456789012' };
  const google = { projectId: 'acme-prod', projectNumber: '424242' };

  test('are made, read, changed and deleted, one for each group', async () => {
    const made = await ok('POST', `${associations}/${engineering}`, { name: 'prod', amazon });
    expect(made).toEqual({
      uid: engineering,
      name: 'prod',
      description: '',
      amazon,
      google: null,
      chainguard: null,
      azure: null,
      createTime: now,
      updateTime: now,
      github: null,
    });
    expect(await ok('GET', `${associations}/${engineering}`)).toEqual(made);
    expect((await call('POST', `${associations}/${engineering}`, { name: 'prod' })).status).toBe(409);
    clock.advance(1000);
    const both = await ok('PATCH', `${associations}/${engineering}`, { google });
    expect(both).toEqual({ ...made, google, updateTime: later });
    const replaced = await ok('PATCH', `${associations}/${engineering}?update_mask=*`, { name: 'prod', google });
    expect(replaced).toMatchObject({ amazon: null, google });
    expect(await ok('DELETE', `${associations}/${engineering}`)).toEqual({});
    expect(await ok('DELETE', `${associations}/${engineering}`)).toEqual({});
    expect((await call('GET', `${associations}/${engineering}`)).status).toBe(404);
    expect(platform.events().map(({ type, subject }) => [type.split('.').at(-2), subject])).toEqual([
      ['created', engineering],
      ['updated', engineering],
      ['updated', engineering],
      ['deleted', engineering],
    ]);
  });

  test('hold installations of GitHub apps and bindings of services', async () => {
    const github = { appInstallations: { '12345': { installations: [{ installationId: '67890', name: 'acme' }] } } };
    const { uid } = await ok('POST', `/iam/${version}/identities/${engineering}`, {
      name: 'signer',
      servicePrincipal: 'SERVICE_PRINCIPAL_COSIGNED',
    });
    const chainguard = { serviceBindings: { COSIGNED: uid } };
    const made = await ok('POST', `${associations}/${engineering}`, { name: 'prod', github, chainguard });
    expect(made).toMatchObject({ github, chainguard });
    const bound = await refusal('DELETE', `/iam/${version}/identities/${uid}`);
    expect(bound[1]).toMatch(/^Precondition failed: identity .* is the COSIGNED/);
  });

  test('are listed by group, name and place', async () => {
    for (const group of [organization, engineering, sandbox]) {
      await ok('POST', `${associations}/${group}`, { name: group === sandbox ? 'test' : 'prod', amazon });
    }
    const uids = async (query: string) =>
      (await ok('GET', `${associations}?${query}`)).accountAssociations.map(({ uid }: { uid: string }) => uid);
    const folders = [engineering, sandbox].sort();
    expect(await uids('')).toEqual([organization, ...folders]);
    expect(await uids('order_by=group%20desc')).toEqual([...folders.toReversed(), organization]);
    expect(await uids('name=test')).toEqual([sandbox]);
    expect(await uids(`uidp.children_of=${organization}`)).toEqual(folders);
    expect(await uids('uidp.in_root=true')).toEqual([organization]);
    expect(await uids('page_size=2')).toHaveLength(2);
  });

  test('are checked against the cloud', async () => {
    const clouds = await startLoopbackClouds();
    clouds.now = () => clock.now();
    platform = await startTestPlatform({
      clock,
      clouds: {
        awsSts: `${clouds.url}/aws/`,
        googleSts: `${clouds.url}/google`,
        googleIam: `${clouds.url}/iam/`,
        azureLogin: `${clouds.url}/azure`,
      },
    });
    owner = await platform.token(dev);
    await ok('POST', `${associations}/${engineering}`, { name: 'prod', amazon });
    const check = (providerType: string) =>
      ok('POST', `${associations}/${engineering}:checkAccountAssociation`, { providerType });
    clouds.trust = { issuer: platform.urls.issuer, audience: 'amazon', subject: `canary:${engineering}` };
    expect(await check('ACCOUNT_PROVIDER_TYPE_AMAZON')).toEqual({
      status: 'CHECK_STATUS_READY',
      reason: '',
      message: '',
    });
    expect(await check('ACCOUNT_PROVIDER_TYPE_AZURE')).toMatchObject({
      status: 'CHECK_STATUS_NOT_READY',
      reason: expect.stringMatching(/./),
    });
  });
});

describe.each(['v2', 'v2beta1'])('terms in %s', (version) => {
  const terms = `/iam/${version}/terms`;

  test('are accepted for a group and count below it', async () => {
    expect(await ok('POST', `${terms}/${organization}`, { documentIds: ['sfdpa.v1', 'skills-tos.v1'] })).toEqual({
      group: organization,
      documentIds: ['sfdpa.v1', 'skills-tos.v1'],
    });
    clock.advance(1000);
    await ok('POST', `${terms}/${engineering}`, { documentIds: ['guardener-tos.v1'] });
    const acceptance = (docId: string, orgUid: string, createTime: string) => ({
      docId,
      acceptedBy: dev,
      orgUid,
      createTime,
    });
    expect(await ok('GET', `${terms}/${engineering}`)).toEqual({
      termsAcceptances: [
        acceptance('guardener-tos.v1', engineering, later),
        acceptance('sfdpa.v1', organization, now),
        acceptance('skills-tos.v1', organization, now),
      ],
      nextPageToken: '',
      totalCount: '3',
      skipped: 0,
    });
    const page = await ok('GET', `${terms}/${engineering}?page_size=2`);
    expect((await ok('GET', `${terms}/${engineering}?page_token=${page.nextPageToken}`)).termsAcceptances).toHaveLength(
      1,
    );
    expect((await ok('GET', `${terms}/${organization}`)).totalCount).toBe('2');
    expect(await refusal('POST', `${terms}/${organization}`, { documentIds: ['x'] })).toEqual([
      400,
      'Invalid argument: document_ids: "x" is not a document',
    ]);
  });
});

describe('v1 and v2 are two views of one thing', () => {
  test('what v1 writes, v2 reads', async () => {
    const oidc = { issuer: 'https://idp.example', clientId: 'c', clientSecret: 's' };
    const provider = await ok('POST', `/iam/v1/identityProviders/${organization}`, { name: 'idp', oidc });
    const mapping = await ok('POST', `/iam/v1/externalGroupRoleMappings/${provider.id}`, {
      externalGroupId: 'g',
      roleUidp: viewer,
      scope: organization,
    });
    const invite = await ok('POST', `/iam/v1/group_invites/${sandbox}`, { role: viewer, ttl: '60s' });
    await ok('POST', `/iam/v1/account_associations/${sandbox}`, { amazon: { account: '123456789012' } });
    await ok('POST', `/iam/v1/terms/${sandbox}`, { documentIds: ['sfdpa.v1'] });
    expect(await ok('GET', `/iam/v2/identityProviders/${provider.id}`)).toMatchObject({ name: 'idp' });
    expect(await ok('GET', `/iam/v2/externalGroupRoleMappings/${mapping.id}`)).toMatchObject({ roleUid: viewer });
    expect(await ok('GET', `/iam/v2/groupInvites/${invite.id}`)).toMatchObject({ keyId: invite.keyId, code: '' });
    expect(await ok('GET', `/iam/v2/accountAssociations/${sandbox}`)).toMatchObject({ uid: sandbox });
    expect(await ok('GET', `/iam/v2/terms/${sandbox}`)).toMatchObject({ termsAcceptances: [{ docId: 'sfdpa.v1' }] });
  });

  test('what v2 writes, v1 reads', async () => {
    const oidc = { issuer: 'https://idp.example', clientId: 'c', clientSecret: 's' };
    const provider = await ok('POST', `/iam/v2/identityProviders/${organization}`, { name: 'idp', oidc });
    const mapping = await ok('POST', `/iam/v2/externalGroupRoleMappings/${provider.uid}`, {
      externalGroupId: 'g',
      roleUid: viewer,
      scope: organization,
    });
    const invite = await ok('POST', `/iam/v2/groupInvites/${sandbox}`, { roleUid: viewer, ttl: '60s' });
    await ok('POST', `/iam/v2/accountAssociations/${sandbox}`, { name: 'x', amazon: { account: '123456789012' } });
    await ok('POST', `/iam/v2/terms/${sandbox}`, { documentIds: ['sfdpa.v1'] });
    const items = async (path: string) => (await ok('GET', `/iam/v1/${path}`)).items;
    expect(await items(`identityProviders?id=${provider.uid}`)).toMatchObject([{ name: 'idp' }]);
    expect(await items('externalGroupRoleMappings')).toMatchObject([{ id: mapping.uid, roleUidp: viewer }]);
    expect(await items(`group_invites?id=${invite.uid}`)).toMatchObject([{ keyId: invite.keyId }]);
    expect(await items(`account_associations?group=${sandbox}`)).toMatchObject([{ name: 'x' }]);
    expect(await items(`terms/${sandbox}`)).toMatchObject([{ docId: 'sfdpa.v1', acceptedBy: dev }]);
  });
});
