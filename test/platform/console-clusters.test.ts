// Clusters and policies in the console, over HTTP.

import { expect, test } from 'vitest';
import { signInToConsole } from '../support/console.ts';
import { demoFolders, demoOrganizations, dev } from '../support/ids.ts';
import { startTestPlatform } from '../support/platform.ts';
import { digestOf, remoteId, reportCluster } from '../support/reporting-cluster.ts';

const at = (page: string) => `/console/${demoOrganizations.private}/${page}`;

async function signedIn() {
  const platform = await startTestPlatform();
  return { platform, browser: await signInToConsole(platform.urls.api, 'dev@example.com') };
}

test('a cluster is found by the id that kubectl tells, with flagged images and who signed the others', async () => {
  const { platform, browser } = await signedIn();
  const id = await reportCluster(platform, demoFolders.engineering);
  const found = (await browser.get(at(`clusters?q=${remoteId}`))).text;
  expect(found).toContain('kind-one');
  expect(found).toContain('1 flagged');
  expect((await browser.get(at('clusters?q=00000000-0000'))).text).not.toContain('kind-one');

  const byUid = (await browser.get(at(`clusters/cluster?id=${remoteId}`))).text;
  expect(byUid).toContain('v1.34.4');
  expect(byUid).toContain(`chainctl clusters records list ${remoteId}`);
  expect(byUid.match(/badge (bad|good)/g)).toEqual(['badge bad', 'badge good']);
  expect(byUid).toContain('kim@example.com');
  const flagged = (await browser.get(at(`clusters/cluster?id=${encodeURIComponent(id)}&state=FAIL`))).text;
  expect(flagged).toContain('app-a@');
  expect(flagged).not.toContain('app-b@');
  // Its filter stays with the cluster.
  expect(flagged).toContain(`<input type="hidden" name="id" value="${id}"/>`);

  const image = (digest: string) => browser.get(at(`clusters/image?id=${remoteId}&digest=${digestOf(digest)}`));
  expect((await image('a')).text).toContain('no signatures found for &lt;b>this&lt;/b>');
  expect((await image('b')).text).toContain('by kim@example.com (issuer https://accounts.google.com)');
  expect((await image('c')).text).toContain('No policy is about this image');
  expect((await image('d')).status).toBe(404);
  expect((await browser.get(at('clusters/cluster?id=nothing'))).status).toBe(404);
});

test('a cluster of another organization is not there', async () => {
  const { platform, browser } = await signedIn();
  const other = await platform.call(await platform.token(dev), 'POST', '/iam/v1/groups', {
    body: { name: 'other.example' },
  });
  expect(other.status, JSON.stringify(other.body)).toBe(200);
  const again = await signInToConsole(platform.urls.api, 'dev@example.com');
  await reportCluster(platform, demoFolders.engineering);
  const elsewhere = await again.get(`/console/${other.body.id}/clusters/cluster?id=${remoteId}`);
  expect([elsewhere.status, elsewhere.text.includes('app-a@')]).toEqual([404, false]);
  expect((await browser.get(at(`clusters/cluster?id=${remoteId}`))).status).toBe(200);
});

const documentOf = (glob: string) => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: { name: signed-only }
spec:
  images: [{ glob: "${glob}" }]
  authorities: [{ static: { action: fail } }]
`;

test('a policy is created, changed, taken back to its first version and deleted', async () => {
  const { platform, browser } = await signedIn();
  const items = async () => (await platform.call(await platform.token(dev), 'GET', '/iam/v1/policies')).body.items;
  const document = documentOf('a/**');
  const made = await browser.submit(at('policies/create'), {
    place: demoFolders.sandbox,
    description: 'Only ours',
    document: document.replaceAll('\n', '\r\n'),
  });
  expect(made.text).toContain('Created the policy “signed-only”');
  const [policy] = await items();
  expect(policy).toMatchObject({ name: 'signed-only', description: 'Only ours', document });
  expect(policy.id.startsWith(`${demoFolders.sandbox}/`)).toBe(true);

  const id = encodeURIComponent(policy.id);
  const changed = await browser.submit(at(`policies/edit?id=${id}`), { description: '', document: documentOf('b/**') });
  expect(changed.text).toContain('v2 is enforced');
  expect((await items())[0].document).toContain('b/**');

  const version = encodeURIComponent(policy.enforcedVersion.id);
  const asked = await browser.get(at(`policies/activate?id=${id}&version=${version}`));
  expect(asked.text).toContain('Enforce v1');
  expect(asked.text).toContain(`chainctl policies versions activate ${policy.enforcedVersion.id}`);
  expect((await items())[0].enforcedVersion.label).toBe('v2');
  const back = await browser.submit(at(`policies/activate?id=${id}&version=${version}`), {});
  expect(back.text).toContain('v1 of “signed-only” is enforced.');
  expect((await items())[0]).toMatchObject({ document, enforcedVersion: { label: 'v1' } });

  const gone = await browser.submit(at(`policies/delete?id=${id}`), {});
  expect(gone.text).toContain('Deleted the policy “signed-only”.');
  expect(await items()).toEqual([]);
});

test('a document that cannot be used comes back as it was typed, with its line', async () => {
  const { platform, browser } = await signedIn();
  const long = `${'# '.padEnd(30_000, 'x')}\n${documentOf('a/**').replace('images', 'imagez')}`;
  const refused = await browser.submit(at('policies/create'), { place: demoFolders.sandbox, document: long });
  expect(refused.text).toContain('line 6: &quot;spec.imagez&quot; is not a field');
  expect(refused.text.replaceAll('&quot;', '"')).toContain(long.trimEnd());
  const token = await platform.token(dev);
  expect((await platform.call(token, 'GET', '/iam/v1/policies')).body.items).toEqual([]);
});

test('who may only look is offered no form, and what a form would do is refused', async () => {
  const { platform } = await signedIn();
  const token = await platform.token(dev);
  const body = { document: documentOf('a/**') };
  const { id } = (await platform.call(token, 'POST', `/iam/v1/policies/${demoFolders.sandbox}`, { body })).body;
  const guest = await signInToConsole(platform.urls.api, 'guest@example.com');
  const page = await guest.get(at('policies'));
  expect(page.text).toContain('signed-only');
  expect(page.text).not.toMatch(/policies\/(?:create|edit|delete)/);
  const shown = await guest.get(at(`policies/policy?id=${encodeURIComponent(id)}`));
  expect([shown.status, /policies\/(?:edit|activate)/.test(shown.text)]).toEqual([200, false]);
  const tried = await guest.submit(at(`policies/delete?id=${encodeURIComponent(id)}`), {});
  expect(tried.status).toBe(403);
  expect((await platform.call(token, 'GET', '/iam/v1/policies')).body.items).toHaveLength(1);
});
