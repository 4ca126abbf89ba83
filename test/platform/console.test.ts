// The console over HTTP, as browsers ask: pages, forms, who may what, and what attacks get.

import { get } from 'node:http';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { formIdOf, openConsole, signInToConsole } from '../support/console.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';

const dev = personId('dev@example.com');
const organization = demoOrganizations.private;
const tokens = `/console/${organization}/settings/pull-tokens`;

async function signedIn(options: Parameters<typeof startTestPlatform>[0] = {}, email = 'dev@example.com') {
  const platform = await startTestPlatform(options);
  return { platform, browser: await signInToConsole(platform.urls.api, email) };
}

/** Text of the element with this id, without markup. */
const textOf = (html: string, id: string): string =>
  (new RegExp(`id="${id}"[^>]*>(.*?)</pre>`, 's').exec(html)?.[1] ?? '')
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&amp;', '&');

const identitiesOf = async (platform: TestPlatform) =>
  (await platform.call(await platform.token(dev), 'GET', `/iam/v1/identities?uidp.descendants_of=${organization}`)).body
    .items as { id: string; name: string; description?: string; static?: { expiration: string } }[];

describe('signing in', () => {
  test('leads to where one wanted to go, and gives the browser a number and no token', async () => {
    const platform = await startTestPlatform();
    const browser = await signInToConsole(platform.urls.api, 'dev@example.com', tokens);
    expect([browser.first.status, browser.first.at]).toEqual([200, tokens]);
    const [name = '', value = ''] =
      [...browser.cookies].find(([name]) => name.startsWith('chainctl-console-') && !name.endsWith('organization')) ??
      [];
    expect(name).toBe(`chainctl-console-${new URL(platform.urls.api).port}`);
    expect(value).toMatch(/^[\w-]{43}$/);
    expect(browser.first.text).not.toMatch(/eyJ[\w-]+\./);
  });

  test('leads nowhere else', async () => {
    const platform = await startTestPlatform();
    for (const next of [
      '//evil.example',
      'https://evil.example',
      '/oauth',
      '/console\\..\\x',
      '/consolex',
      '/console/\n',
    ]) {
      const browser = openConsole(platform.urls.api);
      const page = await browser.get(`/oauth?${new URLSearchParams({ client_id: 'chainctl-console', next })}`);
      const state = /name="state" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
      const first = await browser.post('/oauth/sign-in', { state, email: 'dev@example.com' });
      expect([next, first.status, first.at]).toEqual([next, 200, `/console/${organization}`]);
    }
  });

  test('asks for the code of the platform where that is asked for', async () => {
    const platform = await startTestPlatform({ asksForCode: true });
    expect((await openConsole(platform.urls.api).get('/console')).text).toContain('Is this your platform?');
  });

  test('ends by signing out, and with the time', async () => {
    const clock = new TestClock();
    const { browser, platform } = await signedIn({ clock });
    const out = await browser.post('/console/sign-out', { form: '' });
    expect(out.text).toContain('You are signed out');
    expect((await browser.get('/console')).at).toMatch(/^\/oauth\?/);
    const other = await signInToConsole(platform.urls.api, 'dev@example.com');
    // Longer than a token lives: it is renewed.
    clock.advance(2 * 3_600_000);
    expect((await other.get('/console')).status).toBe(200);
    clock.advance(13 * 3_600_000);
    expect((await other.get('/console')).at).toMatch(/^\/oauth\?/);
  });

  test('a newcomer creates an organization', async () => {
    const { browser } = await signedIn({}, 'new@newcomer.example');
    expect(browser.first.at).toBe('/console/welcome');
    const made = await browser.submit('/console/welcome', { name: 'newcomer.example' });
    expect([made.status, made.text]).toEqual([
      200,
      expect.stringContaining('Created the organization “newcomer.example”.'),
    ]);
    expect(made.text).toContain('Pull tokens');
  });
});

describe('pull tokens', () => {
  test('one is created, shown once, pulls, and is revoked', async () => {
    const { browser, platform } = await signedIn();
    const created = await browser.submit(`${tokens}/create`, {
      name: 'ci',
      description: 'Builds of service-foo',
      expiration: '60',
      repository: 'oci',
    });
    expect([created.status, created.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const [id, password] = [textOf(created.text, 'user-name'), textOf(created.text, 'password')];
    expect(textOf(created.text, 'docker-login')).toContain(
      `docker login ${new URL(platform.urls.registry).host} --username ${id} --password-stdin`,
    );
    expect(textOf(created.text, 'kubernetes')).toContain('type: kubernetes.io/dockerconfigjson');
    expect(decodeJwt(password).aud).toBe(platform.urls.issuer);
    const days =
      (Date.parse((await identitiesOf(platform)).find((each) => each.id === id)?.static?.expiration ?? '') -
        new TestClock().now()) /
      86_400_000;
    expect(Math.round(days)).toBe(60);

    const auth = `Basic ${Buffer.from(`${id}:${password}`).toString('base64')}`;
    const pull = () =>
      platform.call(undefined, 'GET', '/token', {
        headers: { authorization: auth },
      });
    expect((await pull()).status).toBe(200);

    const again = await browser.get(created.at);
    expect(again.text).toContain('was shown once');
    expect(again.text).not.toContain(password);

    const listed = await browser.get(tokens);
    expect(listed.text).toContain('Builds of service-foo');
    expect(listed.text).toContain('60 days');
    expect(listed.text).not.toContain(password);

    const revoked = await browser.submit(`${tokens}/revoke?id=${encodeURIComponent(id)}`, {});
    expect(revoked.text).toContain('Revoked the pull token');
    expect((await pull()).status).toBe(403);
    expect((await browser.get(`${tokens}/revoke?id=${encodeURIComponent(id)}`)).status).toBe(404);
  });

  test('sending a form twice does it once', async () => {
    const { browser, platform } = await signedIn();
    const page = await browser.get(`${tokens}/create`);
    const fields = { form: formIdOf(page), name: 'twice', expiration: '30', repository: 'oci' };
    await Promise.all([browser.post(page.at, fields), browser.post(page.at, fields)]);
    await browser.post(page.at, fields);
    expect((await identitiesOf(platform)).filter(({ name }) => name.startsWith('twice - '))).toHaveLength(1);
  });

  test.each([
    [{ name: '' }, 'Give the token a name.'],
    [{ name: 'x'.repeat(101) }, 'Use at most 100 characters.'],
    [{ expiration: '31' }, 'Choose 30, 60 or 90 days, or Custom.'],
    [{ expiration: 'custom', date: '' }, 'Choose a day from 2026-03-28 to 2027-03-26.'],
    [{ expiration: 'custom', date: '2026-02-30' }, '“2026-02-30” is no day.'],
    [{ expiration: 'custom', date: '2026-03-27' }, 'Choose a day from'],
    [{ expiration: 'custom', date: '2027-03-27' }, 'Choose a day from'],
    [{ repository: 'floppy' }, 'Choose what the token may pull.'],
    [{ place: 'f'.repeat(40) }, 'Choose a place of this organization.'],
  ])('what is wrong with %j is said at its field, and nothing is lost', async (fields, sentence) => {
    const { browser, platform } = await signedIn();
    const before = await identitiesOf(platform);
    const answer = await browser.submit(`${tokens}/create`, {
      name: 'kept',
      description: 'typed <b>',
      expiration: '90',
      repository: 'oci',
      ...fields,
    });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(sentence)]);
    expect(answer.text).toContain('value="typed &lt;b>"');
    expect(answer.text).toContain('aria-invalid="true"');
    expect(await identitiesOf(platform)).toEqual(before);
  });

  test('the list is filtered, sorted and paged by its address', async () => {
    const { browser, platform } = await signedIn();
    const token = await platform.token(dev);
    for (let at = 0; at < 55; at += 1) {
      const name = `token ${String(at).padStart(2, '0')}`;
      const keys = {
        issuer: 'https://pulltoken.issuer.chainguard.dev',
        subject: name,
        issuerKeys: '{"keys":[]}',
        expiration: new Date(new TestClock().now() + (at + 1) * 86_400_000).toISOString(),
      };
      const made = await platform.call(token, 'POST', `/iam/v1/identities/${organization}`, {
        body: { name, static: keys },
      });
      expect(made.status).toBe(200);
    }
    const first = await browser.get(tokens);
    expect(first.text).toContain('1–25 of 55');
    expect(first.text).toContain('token 00');
    expect(first.text).not.toContain('token 54');
    expect((await browser.get(`${tokens}?page=3`)).text).toContain('token 54');
    const sorted = (await browser.get(`${tokens}?sort=-expiry`)).text;
    expect(sorted.indexOf('token 54')).toBeLessThan(sorted.indexOf('token 53'));
    expect(sorted).toContain('aria-sort="descending"');
    const filtered = (await browser.get(`${tokens}?q=TOKEN+33`)).text;
    expect(filtered).toContain('token 33');
    expect(filtered).not.toContain('token 34');
    expect((await browser.get(`${tokens}?q=%3Cscript%3E`)).text).toContain('has “&lt;script>”');
    // A form that is opened from the second page of a filtered list leads back there.
    const second = (await browser.get(`${tokens}?q=token&page=2`)).text;
    const opened = await browser.get(/href="([^"]+\/revoke\?[^"]+)"/.exec(second)?.[1]?.replaceAll('&amp;', '&') ?? '');
    expect(opened.text).toMatch(/data-back="[^"]*\?q=token&(amp;)?page=2#token-/);
    // The list behind a form leads to the list, not to the form once more.
    const list = /<div class="listing">.*?<\/thead>/s.exec(opened.text)?.[0] ?? '';
    const leads = [...list.matchAll(/(?:href|action)="([^"?]*)/g)].map(([, address]) => address);
    expect([new Set(leads), leads.length > 2]).toEqual([new Set([tokens]), true]);
    for (const query of ['page=-1', 'page=x', 'page=9e9', 'sort=nothing', 'sort=__proto__', 'q=%00']) {
      expect((await browser.get(`${tokens}?${query}`)).status).toBe(200);
    }
  });
});

describe('two tabs', () => {
  test('the same form in both: one makes it, the other hears in one sentence that it is there', async () => {
    const { browser } = await signedIn({}, 'new@newcomer.example');
    const [one, two] = [await browser.get('/console/welcome'), await browser.get('/console/welcome')];
    const answers = await Promise.all(
      [one, two].map((tab) => browser.post(tab.at, { form: formIdOf(tab), name: 'two-tabs.example' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const lost = answers.find(({ status }) => status === 409);
    const told = [...(lost?.text ?? '').matchAll(/<p class="problem" role="alert">([^<]*)</g)].map(([, text]) => text);
    expect(told).toEqual([expect.stringMatching(/already exists/)]);
    // What was typed is still there.
    expect(lost?.text).toContain('value="two-tabs.example"');
    const made = (await browser.get('/console')).text.match(/<option value="[0-9a-f]+"[^>]*>two-tabs\.example</g);
    expect(made).toHaveLength(1);
  });

  test('one and the same thing is taken away in both: one does it, the other hears that it is gone', async () => {
    const { browser, platform } = await signedIn();
    await browser.submit(`${tokens}/create`, { name: 'twice', expiration: '30', repository: 'oci' });
    const [{ id } = { id: '' }] = (await identitiesOf(platform)).filter(({ name }) => name.startsWith('twice'));
    const address = `${tokens}/revoke?id=${encodeURIComponent(id)}`;
    const [one, two] = [await browser.get(address), await browser.get(address)];
    const first = await browser.post(address, { form: formIdOf(one) });
    expect([first.status, first.text]).toEqual([200, expect.stringContaining('Revoked the pull token')]);
    const second = await browser.post(address, { form: formIdOf(two) });
    expect(second.status).toBe(404);
    expect(second.text).toMatch(/was revoked already|is not there any more|was deleted|not found/i);
    expect((await identitiesOf(platform)).some((each) => each.id === id)).toBe(false);
  });

  test('an organization that is deleted in one: every page and form of the other is one sentence', async () => {
    const { browser, platform } = await signedIn();
    const owner = await platform.token(dev);
    const made = (await platform.call(owner, 'POST', '/iam/v1/groups', { body: { name: 'short-lived.example' } })).body
      .id;
    const other = await signInToConsole(
      platform.urls.api,
      'dev@example.com',
      `/console/${made}/settings/pull-tokens/create`,
    );
    expect([other.first.status, formIdOf(other.first)]).toEqual([200, expect.stringMatching(/^.{22}$/)]);
    await browser.get('/console');
    const renewed = await platform.token(dev);
    expect((await platform.call(renewed, 'DELETE', `/iam/v1/groups/${made}`)).status).toBe(200);
    const before = (await platform.call(renewed, 'GET', '/iam/v1/identities')).body.items.length;
    const sent = await other.post(other.first.at, {
      ...{ form: formIdOf(other.first), name: 'late', description: 'x' },
      ...{ expiration: '30', repository: 'oci' },
    });
    expect([403, 404]).toContain(sent.status);
    expect(sent.text).not.toMatch(/eyJ[\w-]+\./);
    expect(sent.text).toMatch(/There is no such organization|not found|deleted/);
    for (const page of ['', '/settings/pull-tokens', '/images', '/settings/users']) {
      const seen = await other.get(`/console/${made}${page}`);
      expect([page, seen.status, seen.text.includes('It was deleted, or you may not see it any more.')]).toEqual([
        page,
        404,
        true,
      ]);
    }
    expect((await platform.call(renewed, 'GET', '/iam/v1/identities')).body.items).toHaveLength(before);
    // The rest of the console goes on.
    expect((await other.get('/console')).status).toBe(200);
  });
});

describe('who may what', () => {
  test('a viewer sees no control, and a forged request is refused', async () => {
    const platform = await startTestPlatform();
    platform.user('viewer@example.com', ['viewer', organization]);
    const token = await platform.token(dev);
    const keys = {
      issuer: 'https://pulltoken.issuer.chainguard.dev',
      subject: 'x',
      issuerKeys: '{"keys":[]}',
      expiration: '2026-06-01T00:00:00Z',
    };
    const { body } = await platform.call(token, 'POST', `/iam/v1/identities/${organization}`, {
      body: { name: 'theirs', static: keys },
    });
    const browser = await signInToConsole(platform.urls.api, { subject: 'test|viewer@example.com' });
    const page = await browser.get(tokens);
    expect([page.status, page.text]).toEqual([200, expect.stringContaining('theirs')]);
    expect(page.text).not.toMatch(/Create pull token|Revoke/);
    for (const [path, fields] of [
      [`${tokens}/create`, { name: 'forged', expiration: '30', repository: 'oci' }],
      [`${tokens}/revoke?id=${encodeURIComponent(body.id)}`, {}],
    ] as const) {
      const answer = await browser.submit(path, { ...fields });
      expect([path, answer.status]).toEqual([path, 403]);
    }
    const names = (await identitiesOf(platform)).map(({ name }) => name);
    expect(names).toContain('theirs');
    expect(names.filter((name) => name.startsWith('forged'))).toEqual([]);
  });

  test('an organization that is gone, or that one never saw, is one sentence', async () => {
    const { browser } = await signedIn();
    const answer = await browser.get(`/console/${'0'.repeat(40)}/settings`);
    expect([answer.status, answer.text]).toEqual([
      404,
      expect.stringContaining('It was deleted, or you may not see it any more.'),
    ]);
    expect((await browser.get('/console/nothing')).status).toBe(404);
    expect((await browser.get(`${tokens}/nothing`)).status).toBe(404);
    expect((await browser.get(`${tokens}/__proto__`)).status).toBe(404);
  });

  test('an organization is named by its name as well, and the last one is remembered', async () => {
    const { browser } = await signedIn();
    expect((await browser.get('/console/example.com/settings/pull-tokens')).status).toBe(200);
    expect(browser.cookies.get('chainctl-console-organization')).toBe(organization);
    expect((await browser.get('/console/settings/pull-tokens')).at).toBe(tokens);
    expect((await browser.get(`/console/switch?organization=${organization}&page=settings`)).at).toBe(
      `/console/${organization}/settings`,
    );
    expect((await browser.get('/console/switch?organization=/evil.example&page=//x')).at).not.toContain(
      'evil.example/x',
    );
  });
});

describe('attacks', () => {
  const form = { name: 'attack', expiration: '30', repository: 'oci' };

  test.each([
    ['from another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['from another port of this machine', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
    ['from a file or a sandbox', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['without a word where from', {}],
    ['from another site that hides it', { 'sec-fetch-site': 'cross-site' }],
  ])('a form %s is refused', async (_, headers) => {
    const { browser, platform } = await signedIn();
    const page = await browser.get(`${tokens}/create`);
    const answer = await browser.post(page.at, { ...form, form: formIdOf(page) }, headers);
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('Nothing has been done.')]);
    expect((await browser.post('/console/sign-out', { form: '' }, headers)).status).toBe(403);
    expect((await browser.get('/console')).status).toBe(200);
    expect((await identitiesOf(platform)).filter(({ name }) => name.startsWith('attack'))).toEqual([]);
  });

  test('a form without its own id is refused', async () => {
    const { browser } = await signedIn();
    for (const id of ['', 'short', '../../../../../../../x']) {
      expect((await browser.post(`${tokens}/create`, { ...form, form: id })).status).toBe(400);
    }
  });

  test('an image, a script or a frame of another site gets no page; a link does', async () => {
    const { browser, platform } = await signedIn();
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    // Node's fetch says itself what it is.
    const statusOf = (mode: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': mode };
        get(`${platform.urls.api}${tokens}`, { headers, agent: false }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode));
        }).once('error', reject);
      });
    for (const mode of ['no-cors', 'cors', 'websocket']) expect([mode, await statusOf(mode)]).toEqual([mode, 403]);
    expect(await statusOf('navigate')).toBe(200);
  });

  test('a page may load, send and be framed by nothing but itself', async () => {
    const { browser } = await signedIn();
    const { headers } = await browser.get(tokens);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    );
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('same-origin');
  });

  test('script in names and descriptions stays text, wherever they are shown', async () => {
    const { browser } = await signedIn();
    const evil = '"><script>alert(1)</script>';
    const created = await browser.submit(`${tokens}/create`, {
      name: 'evil',
      description: evil,
      expiration: '30',
      repository: 'oci',
    });
    expect(created.text).toContain('Pull token created');
    for (const page of [
      created,
      await browser.get(tokens),
      await browser.get(`${tokens}?q=${encodeURIComponent(evil)}`),
    ]) {
      expect(page.text).not.toContain('<script>alert');
      expect(page.text).not.toContain('"><script');
    }
    expect((await browser.get(tokens)).text).toContain('&lt;script>alert(1)');
  });

  test('a login that ended in the middle of a form loses nothing', async () => {
    const { browser, platform } = await signedIn();
    const page = await browser.get(`${tokens}/create`);
    const fields = { ...form, name: 'survivor', form: formIdOf(page) };
    await browser.post('/console/sign-out', { form: '' });
    const answer = await browser.post(page.at, fields);
    expect([answer.status, answer.text]).toEqual([
      401,
      expect.stringContaining('nothing of your form has been done yet'),
    ]);
    expect(answer.text).toContain('name="name" value="survivor"');
    const again = await signInToConsole(platform.urls.api, 'dev@example.com');
    for (const [name, value] of again.cookies) browser.cookies.set(name, value);
    expect((await browser.post(page.at, fields)).text).toContain('Pull token created');
  });

  test('a form that has no end is refused', async () => {
    const { browser } = await signedIn();
    const answer = await browser.post(`${tokens}/create`, { ...form, description: 'x'.repeat(300 * 1024) });
    expect([answer.status, answer.text]).toEqual([413, expect.stringContaining('too large')]);
  });
});
