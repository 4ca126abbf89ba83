// The pages of the console besides pull tokens, over HTTP: what each shows, what its forms do, and to whom.

import { renderToString } from 'preact-render-to-string';
import { describe, expect, test } from 'vitest';
import { readmeOf } from '../../src/console/pages/images/readme.tsx';
import { pages } from '../../src/console/pages.gen.ts';
import { signInToConsole } from '../support/console.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { createClient, digestOf, imageManifest, ociManifest } from './registry-client.ts';

const dev = personId('dev@example.com');
const organization = demoOrganizations.private;
const at = (page: string) => `/console/${organization}/${page}`;

async function signedIn(options: Parameters<typeof startTestPlatform>[0] = {}) {
  const platform = await startTestPlatform(options);
  return { platform, browser: await signInToConsole(platform.urls.api, 'dev@example.com') };
}

const itemsOf = async (platform: TestPlatform, path: string) =>
  (await platform.call(await platform.token(dev), 'GET', path)).body.items ?? [];

/** The cells of a page's table, row by row, without its head. */
const rowsOf = (text: string) =>
  [...text.matchAll(/<tr role="row">(.*?)<\/tr>/gs)]
    .map(([, row = '']) =>
      [...row.matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/gs)].map(([, cell = '']) => cell.replace(/<[^>]*>/g, '')),
    )
    .slice(1);

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

describe('overview', () => {
  test('what was changed or refused lately, without reads, to who may see it', async () => {
    const { platform, browser } = await signedIn({ seed: 'demo' });
    await browser.submit(at('settings/pull-tokens/create'), { name: 'lately', expiration: '30', use: 'image' });
    const guest = await platform.token(personId('guest@example.com'));
    await platform.call(guest, 'DELETE', `/iam/v1/groups/${organization}`);
    const { text } = await browser.get(`/console/${organization}`);
    const recent = /<section aria-labelledby="recent">.*?<\/section>/s.exec(text)?.[0] ?? '';
    expect(rowsOf(recent).map(([what, who, , outcome]) => [what, who, outcome])).toEqual(
      expect.arrayContaining([
        ['Identities.Create', 'dev@example.com', 'done'],
        ['Groups.Delete', 'guest@example.com', 'refused'],
      ]),
    );
    expect(recent).not.toMatch(/\.List|\.Validate/);
    const theirs = await (await signInToConsole(platform.urls.api, 'guest@example.com')).get(
      `/console/${organization}`,
    );
    expect([theirs.status, theirs.text.includes('Recent events')]).toEqual([200, false]);
  });

  test('a new account enters an invite code, signs in with it, and is in the organization', async () => {
    const { platform, browser } = await signedIn();
    const made = await browser.submit(at('settings/users/create'), { role: 'viewer', days: '7' });
    const code = /id="invite-code"><code>([^<]+)/.exec(made.text)?.[1] ?? '';
    const kim = await signInToConsole(platform.urls.api, 'kim@newcomer.example');
    const welcome = await kim.get('/console');
    expect([welcome.at, welcome.text.includes('href="/console/welcome/invite"')]).toEqual(['/console/welcome', true]);
    const wrong = await kim.submit('/console/welcome/invite', { code: 'two words' });
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('This is no invite code')]);
    const asked = await kim.submit('/console/welcome/invite', { code });
    const state = /name="state" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
    const joined = await kim.post('/oauth/sign-in', { state, email: 'kim@newcomer.example' });
    expect([joined.status, joined.at]).toEqual([200, `/console/${organization}`]);
  });
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

  describe('two tags and their packages', () => {
    const sbom = (packages: Readonly<Record<string, string>>) => ({
      spdxVersion: 'SPDX-2.3',
      packages: Object.entries(packages).map(([name, version]) => ({
        name,
        versionInfo: version,
        externalRefs: [
          { referenceType: 'purl', referenceLocator: `pkg:apk/wolfi/${encodeURIComponent(name)}@${version}` },
        ],
      })),
    });

    async function withTags(tags: Readonly<Record<string, Readonly<Record<string, string>> | undefined>>) {
      const { platform, browser } = await signedIn({ seed: 'demo' });
      const name = 'example.com/compared';
      const client = createClient(platform, dev);
      await client.pushBlob(name, '{}');
      for (const [tag, packages] of Object.entries(tags)) {
        const digest = await client.pushImage(name, tag, `layer of ${tag}`);
        if (packages === undefined) continue;
        const statement = JSON.stringify({
          _type: 'https://in-toto.io/Statement/v1',
          predicateType: 'https://spdx.dev/Document',
          subject: [{ name, digest: { sha256: digest.replace('sha256:', '') } }],
          predicate: sbom(packages),
        });
        await client.pushBlob(name, statement);
        const type = 'application/vnd.in-toto+json';
        const manifest = imageManifest('{}', 'x', {
          layers: [{ mediaType: type, digest: digestOf(statement), size: Buffer.byteLength(statement) }],
          subject: { mediaType: ociManifest, digest, size: 1 },
        });
        expect((await client.pushManifest(name, digestOf(manifest), manifest)).status).toBe(201);
      }
      return browser;
    }

    test('what was added, removed and changed is what `images diff` finds', async () => {
      const browser = await withTags({
        '1.0': { openssl: '3.5.1-r0', gone: '1-r0', same: '2-r0' },
        '1.1': { openssl: '3.5.2-r0', '<b>new</b>': '1-r0', same: '2-r0' },
      });
      const tag = (await browser.get(at('images/tag?name=compared&tag=1.1'))).text;
      expect(/<select id="from"[^>]*>(.*?)<\/select>/s.exec(tag)?.[1]).toBe('<option value="1.0">1.0</option>');
      const shown = await browser.get(at('images/compare?name=compared&to=1.1&from=1.0'));
      expect(rowsOf(shown.text).sort()).toEqual([
        ['added', '&lt;b>new&lt;/b>', '', '1-r0'],
        ['changed', 'openssl', '3.5.1-r0', '3.5.2-r0'],
        ['removed', 'gone', '1-r0', ''],
      ]);
      expect(shown.text).toMatch(/chainctl images diff \S+compared:1\.0 \S+compared:1\.1 --artifact-types=-/);
      expect((await browser.get(at('images/compare?name=compared&to=1.1&from=2.0'))).status).toBe(404);
    });

    test('a tag without a bill of materials is named, and nothing is said to be added', async () => {
      const browser = await withTags({ bare: undefined, full: { openssl: '3.5.2-r0' } });
      const { text } = await browser.get(at('images/compare?name=compared&to=full&from=bare'));
      expect(text).toContain('no bill of materials is attested of bare');
      expect(rowsOf(text)).toEqual([]);
    });

    test('advisories that are open for the packages of a tag', async () => {
      const browser = await withTags({ old: { openssl: '3.0.0-r0' }, none: { nothing: '1-r0' } });
      const { text } = await browser.get(at('images/advisories?name=compared&tag=old'));
      const rows = rowsOf(text);
      expect(rows.length).toBeGreaterThan(0);
      expect(rows[0]).toEqual([
        'openssl',
        '3.0.0-r0',
        expect.stringMatching(/CVE-|CGA-/),
        'fix-available',
        expect.any(String),
      ]);
      expect((await browser.get(at('images/advisories?name=compared&tag=none'))).text).toContain(
        'No advisories are open.',
      );
    });
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
