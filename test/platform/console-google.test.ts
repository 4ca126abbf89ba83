// The four steps that connect Google Cloud (document 003), over HTTP, against a Google on loopback.

import { expect, test } from 'vitest';
import { cloudSetupProblem, googleClientIn } from '../../src/console/clouds.ts';
import { type ConsoleBrowser, signInToConsole } from '../support/console.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { startLoopbackGoogle } from '../support/loopback-google.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

const organization = demoOrganizations.private;
const page = `/console/${organization}/settings/cloud-accounts`;
const edit = `${page}/edit?group=${organization}&cloud=gcp`;

async function signedIn(hasClient = true) {
  const google = await startLoopbackGoogle();
  const { addresses, client } = google;
  const platform = await startTestPlatform({
    consoleClouds: { google: { addresses, ...(hasClient ? { client } : {}) } },
  });
  const browser = await signInToConsole(platform.urls.api, 'dev@example.com');
  return { google, platform, browser };
}

/** Follows Authenticate to Google's page and back; returns where that leads, path and query. */
async function authenticate({ urls }: TestPlatform, { cookies }: ConsoleBrowser): Promise<URL> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const started = await fetch(`${urls.api}${page}/authenticate?group=${organization}&cloud=gcp`, {
    redirect: 'manual',
    headers: { cookie },
  });
  const chooser = await fetch(started.headers.get('location') ?? '');
  return new URL(/href="([^"]+)"/.exec(await chooser.text())?.[1]?.replaceAll('&amp;', '&') ?? '');
}

const statuses = (html: string): string[] => [...html.matchAll(/>(Ready|Not ready)</g)].map(([, word = '']) => word);

test('is connected in four steps, and each says what is there', async () => {
  const { google, platform, browser } = await signedIn();
  const first = await browser.get(edit);
  expect(first.text).toContain('>Authenticate</a>');
  const back = await authenticate(platform, browser);
  expect(back.origin).toBe(platform.urls.api);
  const projects = await browser.get(`${back.pathname}${back.search}`);
  expect(projects.at).toContain('step=project');
  expect([...projects.text.matchAll(/<option value="(acme[^"]*)"/g)].map(([, id]) => id)).toEqual(['acme-prod']);
  expect(projects.text + projects.at).not.toContain(google.token);

  const none = await browser.submit(projects.at, { project: '' });
  expect([none.status, none.text]).toEqual([400, expect.stringContaining('Select a project.')]);
  const federation = await browser.submit(projects.at, { project: 'acme-prod' });
  expect(federation.text).toContain('Incomplete');
  expect(federation.text).toMatch(
    /IAM Service Account Credentials API.*Workload Identity.*Workload Identity Provider/s,
  );
  expect(statuses(federation.text)).toEqual(['Not ready', 'Not ready', 'Not ready']);

  const ready = await browser.submit(federation.at, {});
  expect(statuses(ready.text)).toEqual(['Ready', 'Ready', 'Ready']);
  expect(ready.text).not.toContain('Incomplete');
  const provider = google.resources.get(
    'projects/424242424242/locations/global/workloadIdentityPools/chainguard-pool/providers/chainguard-provider',
  );
  expect(provider).toMatchObject({
    oidc: { issuerUri: platform.urls.issuer, allowedAudiences: ['google'] },
    attributeMapping: { 'google.subject': 'assertion.sub', 'attribute.sub': 'assertion.sub' },
  });

  const accounts = await browser.get(ready.at.replace('step=federation', 'step=accounts'));
  expect(statuses(accounts.text)).toEqual(new Array(6).fill('Not ready'));
  const all = await browser.submit(accounts.at, {});
  expect(statuses(all.text)).toEqual(new Array(6).fill('Ready'));
  expect(
    [...google.resources.keys()]
      .filter((name) => name.includes('/serviceAccounts/'))
      .map((name) => /chainguard-[a-z-]+/.exec(name)?.[0]),
  ).toEqual([
    'chainguard-agentless',
    'chainguard-canary',
    'chainguard-cosigned',
    'chainguard-discovery',
    'chainguard-enforce-signer',
    'chainguard-ingester',
  ]);
  expect(google.resources.get('projects/acme-prod/roles/chainguardSignerCA')).toMatchObject({
    role: { title: 'Custom Role Chainguard Signer CA' },
  });
  // What others were allowed before, they are allowed still; nothing is done twice.
  const before = google.calls.length;
  expect(statuses((await browser.get(all.at)).text)).toEqual(new Array(6).fill('Ready'));
  expect(google.calls.slice(before).filter((call) => /^(PATCH|POST .*:(?!getIamPolicy))/.test(call))).toEqual([]);

  const done = await browser.submit(all.at, {});
  expect(done.text).toContain('Associated GCP with example.com.');
  const { body } = await platform.call(
    await platform.token(personId('dev@example.com')),
    'GET',
    `/iam/v1/account_associations?group=${organization}`,
  );
  expect(body.items[0].google).toMatchObject({ projectId: 'acme-prod', projectNumber: '424242424242' });
});

test('a sign-in that was begun elsewhere, is over or was refused says so, and a token that has ended begins anew', async () => {
  const { google, platform, browser } = await signedIn();
  // Somebody else's sign-in is not taken for this one.
  const foreign = await browser.get('/console/google?state=theirs&code=theirs');
  expect([foreign.status, foreign.text]).toEqual([400, expect.stringContaining('was not begun here')]);
  const refused = await authenticate(platform, browser);
  const state = refused.searchParams.get('state') ?? '';
  const answer = await browser.get(`/console/google?${new URLSearchParams({ state, error: 'access_denied' })}`);
  expect([answer.status, answer.text]).toEqual([
    403,
    expect.stringContaining('Google did not sign you in (access_denied).'),
  ]);
  // The same code once more.
  const back = await authenticate(platform, browser);
  expect((await browser.get(`${back.pathname}${back.search}`)).at).toContain('step=project');
  expect((await browser.get(`${back.pathname}${back.search}`)).status).toBe(400);

  google.token = 'another';
  const ended = await browser.get(`${page}/gcp?group=${organization}&cloud=gcp&step=project`);
  expect(ended.text).toContain('Your sign-in at Google has ended: authenticate once more.');
  expect((await browser.get(ended.at)).text).toContain('>Authenticate</a>');
});

test('what Google refuses is said in the pane, and a viewer may not configure anything', async () => {
  const { google, platform, browser } = await signedIn();
  const back = await authenticate(platform, browser);
  await browser.get(`${back.pathname}${back.search}`);
  google.forbidden = /workloadIdentityPools/;
  const step = `${page}/gcp?group=${organization}&cloud=gcp&step=federation&project=acme-prod`;
  const denied = await browser.get(step);
  expect([denied.status, denied.text]).toEqual([
    200,
    expect.stringContaining('Google Cloud says: Permission denied on resource'),
  ]);
  expect(denied.text).toContain('Begin with authentication');
  google.forbidden = undefined;
  const wrong = await browser.get(step.replace('acme-prod', '../../x'));
  expect(wrong.text).toContain('There is no such project, or you may not see it.');

  platform.user('viewer@example.com', ['viewer', organization]);
  const viewer = await signInToConsole(platform.urls.api, { subject: 'test|viewer@example.com' });
  const theirs = await authenticate(platform, viewer);
  await viewer.get(`${theirs.pathname}${theirs.search}`);
  const calls = google.calls.length;
  const forged = await viewer.submit(step, {});
  expect(forged.status).toBe(403);
  expect(google.calls.slice(calls).filter((call) => /batchEnable|^PATCH|^POST (?!.*:getIamPolicy)/.test(call))).toEqual(
    [],
  );
});

test('without a client the page shows the Terraform, and takes the project by hand', async () => {
  const { browser } = await signedIn(false);
  const pane = await browser.get(edit);
  expect(pane.text).toContain('chainguard-dev/chainguard-account-association/google');
  expect(pane.text).not.toContain('Authenticate');
});

test('what the operator has set up is read, and what is wrong with it is one sentence', () => {
  expect(googleClientIn('{"installed":{"client_id":"a","client_secret":"b"}}')).toEqual({ id: 'a', secret: 'b' });
  expect(googleClientIn('{"web":{"client_id":"a"}}')).toEqual({ id: 'a' });
  for (const text of ['', '[]', 'null', '{"installed":{}}', '{"installed":{"client_id":1}}'])
    expect(() => googleClientIn(text)).toThrow(RangeError);
  expect(cloudSetupProblem({})).toBeUndefined();
  expect(cloudSetupProblem({ CHAINCTL_AWS_TEMPLATE_URL: 'https://s3.example/t.yaml' })).toBeUndefined();
  expect(cloudSetupProblem({ CHAINCTL_LOCAL_GOOGLE_PROJECTS_URL: 'ftp://x' })).toBe(
    'CHAINCTL_LOCAL_GOOGLE_PROJECTS_URL must be an http or https URL without query, not "ftp://x"',
  );
});

test('AWS opens CloudFormation with the template of the operator, and the group filled in', async () => {
  const platform = await startTestPlatform({ consoleClouds: { awsTemplate: 'https://s3.example/t.yaml' } });
  const browser = await signInToConsole(platform.urls.api, 'dev@example.com');
  const pane = await browser.get(edit.replace('gcp', 'aws'));
  const launch =
    /href="(https:\/\/console\.aws\.amazon\.com[^"]+)"/.exec(pane.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const query = new URLSearchParams(launch.split('?')[1]);
  expect([...query]).toEqual([
    ['templateURL', 'https://s3.example/t.yaml'],
    ['stackName', 'chainguard-account-association'],
    ['param_GroupId', organization],
  ]);
  expect(pane.text).not.toContain('Download the template');
});
