// Settings › Identity providers of the console, over HTTP: provider, group mapping and SCIM from beginning to end.

import { expect, test } from 'vitest';
import { signInToConsole } from '../support/console.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform } from '../support/platform.ts';

const organization = demoOrganizations.private;
const page = `/console/${organization}/settings/identity-providers`;

test('a provider is created, changed, has a group mapped and SCIM switched, and is deleted; its secrets are in no page', async () => {
  const platform = await startTestPlatform();
  const browser = await signInToConsole(platform.urls.api, 'dev@example.com');
  const items = async (path: string) =>
    (await platform.call(await platform.token(personId('dev@example.com')), 'GET', path)).body.items ?? [];
  const list = `/iam/v1/identityProviders?uidp.descendants_of=${organization}`;
  const roles = await items('/iam/v1/roles');
  const viewer = roles.find((role: { name: string }) => role.name === 'viewer').id as string;
  const fields = { name: 'okta', issuer: 'https://okta.example', client: 'chainguard', pkce: 'off', role: viewer };

  const wrong = await browser.submit(`${page}/create`, { ...fields, issuer: 'http://okta.example' });
  expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('The issuer must be an https URL.')]);
  expect(wrong.text).toContain('Give the client secret, or use PKCE.');
  const made = await browser.submit(`${page}/create`, { ...fields, secret: 'very-secret-value' });
  expect([made.status, made.text]).toEqual([200, expect.stringContaining('Created the identity provider “okta”.')]);
  expect(made.text).not.toContain('very-secret-value');
  const [{ id }] = await items(list);
  const at = (action: string, of = id) => `${page}/${action}?id=${encodeURIComponent(of)}`;

  const odd = await browser.submit(at('update'), { ...fields, secret: '', scopes: 'groups "x"' });
  expect([odd.status, odd.text]).toEqual([400, expect.stringContaining('“&quot;x&quot;” is no scope')]);
  const scopes = { scopes: 'groups, offline_access' };
  const changed = await browser.submit(at('update'), { ...fields, ...scopes, name: 'okta main', secret: '' });
  expect(changed.text).toContain('Saved the identity provider “okta main”.');
  expect((await items(list))[0].oidc.additionalScopes).toEqual(['groups', 'offline_access']);
  expect((await browser.get(at('update'))).text).toMatch(/name="scopes"[^>]* value="groups offline_access"/);

  const mapped = await browser.submit(`${page}/map`, { provider: id, group: 'SRE', role: viewer });
  expect([mapped.status, mapped.text]).toEqual([200, expect.stringContaining('Members of “SRE” get the role')]);
  const unmap = /href="([^"]+\/unmap\?[^"]+)"/.exec(mapped.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  expect((await browser.submit(unmap, {})).text).toContain('Removed the mapping of “SRE”.');

  const early = await browser.submit(at('scim'), {});
  expect([early.status, early.text]).toEqual([409, expect.stringContaining('has no SCIM token yet')]);
  const generated = await browser.submit(at('token'), {});
  const token = /id="scim-token"><code>([^<]+)/.exec(generated.text)?.[1] ?? '';
  expect(token.length).toBeGreaterThan(20);
  expect((await browser.get(generated.at)).text).not.toContain(token);
  const before = (await items(list))[0].scim?.enabled === true;
  const lonely = await browser.submit(at('scim'), {});
  expect([lonely.status, lonely.text]).toEqual([409, expect.stringContaining('at least 2 role bindings of owners')]);
  platform.user('second@example.com', ['owner', organization]);
  const switched = await browser.submit(at('scim'), {});
  expect(switched.text).toContain(`SCIM of “okta main” is ${before ? 'off' : 'on'}.`);

  const revoked = await browser.submit(at('revoke'), {});
  expect(revoked.text).toContain('Revoked the SCIM token of “okta main”.');
  expect((await items(list))[0].scim.credentialState).toBe('CREDENTIAL_STATE_REVOKED');
  expect((await browser.get(at('scim'))).text).not.toContain('Revoke the token');
  expect((await browser.get(at('revoke'))).status).toBe(409);

  platform.user('viewer@example.com', ['viewer', organization]);
  const guest = await signInToConsole(platform.urls.api, { subject: 'test|viewer@example.com' });
  expect((await guest.get(page)).text).not.toMatch(/\/(create|update|map|unmap|scim|delete)\b[^"]*"/);
  for (const action of ['update', 'delete', 'token']) {
    expect([action, (await guest.submit(at(action), { ...fields, secret: 'x' })).status]).toEqual([action, 403]);
  }
  expect((await browser.submit(at('delete'), {})).text).toContain('Deleted the identity provider “okta main”.');
  expect(await items(list)).toEqual([]);
});
