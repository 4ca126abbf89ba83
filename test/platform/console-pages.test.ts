// The pages of the console besides pull tokens, over HTTP: what each shows, what its forms do, and to whom.

import { renderToString } from 'preact-render-to-string';
import { describe, expect, test } from 'vitest';
import { readmeOf } from '../../src/console/pages/images/documents.tsx';
import { pages } from '../../src/console/pages.gen.ts';
import { signInToConsole } from '../support/console.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

const dev = personId('dev@example.com');
const organization = demoOrganizations.private;
const at = (page: string) => `/console/${organization}/${page}`;

async function signedIn(options: Parameters<typeof startTestPlatform>[0] = {}) {
  const platform = await startTestPlatform(options);
  return { platform, browser: await signInToConsole(platform.urls.api, 'dev@example.com') };
}

const itemsOf = async (platform: TestPlatform, path: string) =>
  (await platform.call(await platform.token(dev), 'GET', path)).body.items ?? [];

test('every page answers its owner, and a viewer without a control or a link that would be refused', async () => {
  const { platform, browser } = await signedIn({ seed: 'demo' });
  const guest = await signInToConsole(platform.urls.api, 'guest@example.com');
  expect(pages.length).toBeGreaterThan(8);
  const offered = (await guest.get(`/console/${organization}`)).text;
  for (const { path, isOfAccount, menu } of pages) {
    const address = isOfAccount ? `/console/${path}` : at(path);
    expect([path, (await browser.get(address)).status]).toEqual([path, 200]);
    if (menu === undefined || !path.includes('/')) continue;
    const seen = await guest.get(address);
    const isOffered = (await guest.get(at('settings'))).text.includes(`href="${address}"`);
    expect([path, seen.status]).toEqual([path, isOffered ? 200 : 403]);
    // Links to forms; reading is all that a viewer may do.
    expect([
      path,
      /class="button[^"]*"[^>]*href="[^"]*\/(create|edit|remove|delete|revoke|withdraw)\b/.test(seen.text),
    ]).toEqual([path, false]);
  }
  expect(offered).toContain('Overview');
});

describe('users and invites', () => {
  test('somebody is invited with a code that is shown once, and the invite is withdrawn', async () => {
    const { platform, browser } = await signedIn();
    expect((await browser.get(at('settings/users'))).text).toContain('owner of example.com');
    const made = await browser.submit(at('settings/users/create'), {
      role: 'viewer',
      email: 'kim@example.com',
      days: '7',
    });
    const code = /id="invite-code"><code>([^<]+)/.exec(made.text)?.[1] ?? '';
    expect(code.length).toBeGreaterThan(20);
    expect((await browser.get(made.at)).text).not.toContain(code);
    const [invite] = await itemsOf(platform, `/iam/v1/group_invites?group=${organization}`);
    expect([invite.email, invite.singleUse]).toEqual(['kim@example.com', true]);
    const gone = await browser.submit(at(`settings/users/withdraw?id=${encodeURIComponent(invite.id)}`), {});
    expect(gone.text).toContain('Withdrew the invite for kim@example.com.');
    expect(await itemsOf(platform, `/iam/v1/group_invites?group=${organization}`)).toEqual([]);
  });

  test.each([
    [{ role: 'nobody' }, 'Choose one of the roles.'],
    [{ email: 'not one' }, '“not one” is no e-mail address.'],
    [{ days: '9999' }, 'Choose 1, 7 or 30 days.'],
  ])('%j is refused with one sentence', async (fields, sentence) => {
    const { browser } = await signedIn();
    const answer = await browser.submit(at('settings/users/create'), { role: 'viewer', days: '7', ...fields });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(sentence)]);
  });
});

describe('roles and bindings', () => {
  test('a role is bound to an identity by its name, listed with where it comes from, and removed', async () => {
    const { browser, platform } = await signedIn();
    const form = (await browser.get(at('settings/role-bindings/create'))).text;
    const editor = /<option value="([0-9a-f/]+)"[^>]*>editor</.exec(form)?.[1] ?? '';
    const user = platform.user('new@example.com');
    const bound = await browser.submit(at('settings/role-bindings/create'), { identity: user, role: editor });
    expect(bound.text).toContain('The role is bound.');
    expect(bound.text).toContain('a role binding');
    const [binding] = (await itemsOf(platform, `/iam/v1/rolebindings?uidp.descendants_of=${organization}`)).filter(
      (each: { identity: string }) => each.identity === user,
    );
    const gone = await browser.submit(at(`settings/role-bindings/remove?id=${encodeURIComponent(binding.id)}`), {});
    expect(gone.text).toContain('Took the role “editor”');
    const refused = await browser.submit(at('settings/role-bindings/create'), { identity: 'nobody', role: editor });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('There is no identity “nobody”')]);
  });
});

describe('cloud accounts', () => {
  const edit = (cloud: string) => at(`settings/cloud-accounts/edit?group=${organization}&cloud=${cloud}`);

  test('AWS is associated by the steps of the founding document, checked and removed; GCP beside it stays', async () => {
    const { browser, platform } = await signedIn();
    const table = (await browser.get(at('settings/cloud-accounts'))).text;
    expect([...table.matchAll(/role="columnheader"[^>]*><a[^>]*>(\w+)/g)].map(([, head]) => head)).toEqual([
      'Group',
      'GCP',
      'AWS',
      'Azure',
    ]);
    const pane = (await browser.get(edit('aws'))).text;
    for (const words of ['Launch Stack', 'Account ID', 'Configure', 'Back']) expect(pane).toContain(words);
    const template = await browser.get(at(`settings/cloud-accounts/template?group=${organization}&cloud=aws`));
    expect(template.headers.get('content-disposition')).toBe(
      'attachment; filename="chainguard-account-association.yaml"',
    );
    expect(template.text).toContain('RoleName: chainguard-canary');
    expect(template.text).toMatch(/!Sub "canary:\$\{GroupId\}"/);
    expect(template.text).toContain(`Default: "${organization}"`);

    const wrong = await browser.submit(edit('aws'), { account: '12345' });
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('An AWS account ID has twelve digits.')]);
    expect((await browser.submit(edit('gcp'), { project: 'my-project', number: '123456789' })).text).toContain(
      'Associated GCP',
    );
    expect((await browser.submit(edit('aws'), { account: '123456789012' })).text).toContain('Associated AWS');
    const [record] = await itemsOf(platform, `/iam/v1/account_associations?group=${organization}`);
    expect([record.amazon.account, record.google.projectId]).toEqual(['123456789012', 'my-project']);

    const query = `?group=${organization}&cloud=aws`;
    expect((await browser.get(at(`settings/cloud-accounts/check${query}`))).text).toContain('Not ready');
    expect((await browser.submit(at(`settings/cloud-accounts/remove${query}`), {})).text).toContain('Removed AWS');
    const [rest] = await itemsOf(platform, `/iam/v1/account_associations?group=${organization}`);
    expect([rest.amazon ?? undefined, rest.google.projectId]).toEqual([undefined, 'my-project']);
  });

  test('a group that is gone and a cloud that nobody knows are one sentence', async () => {
    const { browser } = await signedIn();
    expect((await browser.get(edit('moon'))).status).toBe(404);
    expect((await browser.get(at('settings/cloud-accounts/edit?group=x&cloud=aws'))).status).toBe(404);
  });
});

describe('images', () => {
  test('a repository, its tags, and the packages of one', async () => {
    const { browser } = await signedIn({ seed: 'demo' });
    const list = (await browser.get(at('images'))).text;
    const [, name = ''] = /images\/repository\?name=([\w.-]+)"/.exec(list) ?? [];
    const repository = (await browser.get(at(`images/repository?name=${name}`))).text;
    expect(repository).toContain(`/example.com/${name}</code>`);
    const [, tag = ''] = /images\/tag\?name=[\w.-]+&(?:amp;)?tag=([\w.-]+)"/.exec(repository) ?? [];
    const shown = await browser.get(at(`images/tag?name=${name}&tag=${tag}`));
    expect(shown.status).toBe(200);
    expect(shown.text).toContain('sha256:');
    expect(shown.text).toMatch(/aria-label="packages"/);
    // The filter of a list stays on the page of the tag.
    expect(shown.text).toContain(`<input type="hidden" name="tag" value="${tag}"/>`);
    expect((await browser.get(at('images/tag?name=nothing&tag=x'))).status).toBe(404);
  });

  test('a readme keeps its text and loses what could act', async () => {
    const evil =
      '# Title\n\n<script>alert(1)</script><img src=x onerror=alert(1)>\n\n[a](javascript:alert(1)) [b](https://ok.example)\n\n<a href="//evil.example" onclick="x()">c</a><style>*{}</style><form action="/x"><input></form>';
    const node = await readmeOf(evil);
    const html = node === undefined ? '' : renderToString(node);
    expect(html).toContain('<h3>Title</h3>');
    expect(html).toContain('href="https://ok.example" rel="noopener noreferrer" target="_blank"');
    expect(html).not.toMatch(/script|onerror|onclick|javascript|<img|<style|<form|<input|evil\.example/);
  });
});

describe('events', () => {
  test('a subscription is created and deleted', async () => {
    const { browser, platform } = await signedIn();
    const made = await browser.submit(at('events/create'), { sink: 'https://sink.example/hook' });
    expect(made.text).toContain('Events are posted to https://sink.example/hook from now on.');
    const [{ id }] = await itemsOf(platform, `/events/v1/subscriptions?uidp.descendants_of=${organization}`);
    expect((await browser.get(at('events/live'))).status).toBe(200);
    const fresh = await browser.get(at('events/fresh?after=0'));
    expect([fresh.status, fresh.headers.get('x-cursor')]).toEqual([200, expect.stringMatching(/^\d+$/)]);
    const gone = await browser.submit(at(`events/delete?id=${encodeURIComponent(id)}`), {});
    expect(gone.text).toContain('Deleted the subscription');
    const wrong = await browser.submit(at('events/create'), { sink: 'gopher://x' });
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('must be an http or https address')]);
  });
});
