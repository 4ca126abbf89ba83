import { describe, expect, test } from 'vitest';
import { demoFolders, organization, personId } from '../support/ids.ts';
import { startLoopbackClouds } from '../support/loopback-clouds.ts';
import { type SignedIn, signedIn } from '../support/signed-in.ts';

const noun = ['iam', 'account-associations'];
const account = '123456789012';
const tenant = '11111111-2222-3333-4444-555555555555';
const client = '66666666-7777-8888-9999-000000000000';

const setAws = [...noun, 'set', 'aws', 'example.com', '--account', account, '--yes'];
const setGcp = [...noun, 'set', 'gcp', 'example.com', '--project-id=acme-prod', '--project-number=424242', '-y'];
const setAzure = [
  ...noun,
  'set',
  'azure',
  'example.com',
  `--tenant-id=${tenant}`,
  `--client-ids=canary=${client}`,
  '-y',
];

async function stored({ platform }: SignedIn, group = organization) {
  const token = await platform.token(personId('dev@example.com'));
  return (await platform.call(token, 'GET', `/iam/v1/account_associations?group=${group}`)).body.items[0];
}

async function put({ platform }: SignedIn, body: object) {
  const token = await platform.token(personId('dev@example.com'));
  const { status } = await platform.call(token, 'POST', `/iam/v1/account_associations/${organization}`, { body });
  expect(status).toBe(200);
}

describe('set', () => {
  test('makes the record, then changes one account and keeps the others', async () => {
    const session = await signedIn();
    const made = await session.run([...setAws, '--output', 'json']);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(made.out)).toEqual({ group: organization, name: 'example.com', amazon: { account } });
    expect((await session.run([...setGcp, '--name=clouds', '-d', 'what we run on', '-oid'])).out).toBe(
      `${organization}\n`,
    );
    const table = await session.run(setAzure);
    expect(table.out).toContain(`| clouds | what we run on | aws: ${account}`);
    expect(table.out).toContain('| gcp: acme-prod (424242)');
    expect(table.out).toContain(`| azure canary: ${client}`);
    await session.run([...noun, 'set', 'aws', organization, '--account=210987654321', '-y']);
    expect(await stored(session)).toMatchObject({
      name: 'clouds',
      description: 'what we run on',
      amazon: { account: '210987654321' },
      google: { projectId: 'acme-prod', projectNumber: '424242' },
      azure: { tenantId: tenant, clientIds: { canary: client } },
    });
  });

  test('a record that is made by id is called like its group as well', async () => {
    const session = await signedIn();
    await session.run([...noun, 'set', 'aws', demoFolders.sandbox, '--account', account, '-y']);
    expect(await stored(session, demoFolders.sandbox)).toMatchObject({ name: 'sandbox' });
  });

  test('says what it does and waits for an answer', async () => {
    const session = await signedIn();
    const asked = await session.run(setAws.slice(0, -1), { stdin: 'n\n' });
    expect(asked.code).toBe(1);
    expect(asked.err).toContain(
      `This associates AWS account "${account}" with "example.com". Do you want to continue? [Y,n]`,
    );
    expect(await stored(session)).toBeUndefined();
    expect(await session.run(setAws.slice(0, -1), { stdin: 'yes\n' })).toMatchObject({ code: 0 });
    const again = await session.run([...noun, 'set', 'aws', 'example.com', '--account=210987654321'], { stdin: 'n\n' });
    expect(again.err).toContain(`, in place of "${account}".`);
    expect(await stored(session)).toMatchObject({ amazon: { account } });
  });

  test('refuses what no cloud would know before anything is asked', async () => {
    const session = await signedIn();
    session.calls();
    const wrong = [
      [...noun, 'set', 'aws', 'example.com', '--account=12345', '-y'],
      [...noun, 'set', 'azure', 'example.com', '--tenant-id=t', `--client-ids=a=${client}`, '-y'],
      [...noun, 'set', 'azure', 'example.com', `--tenant-id=${tenant}`, '--client-ids=a', '-y'],
      [...noun, 'set', 'gcp', 'example.com', '--project-id=acme-prod', '-y'],
    ];
    for (const argv of wrong) expect(await session.run(argv), argv.join(' ')).toMatchObject({ code: 2, out: '' });
    expect(session.calls()).toEqual([]);
    expect((await session.run(wrong[0] ?? [])).err).toContain('`--account` must be the 12 digits of an AWS account');
  });

  test('a Google project that looks like none is sent with a warning', async () => {
    const session = await signedIn();
    const argv = [...noun, 'set', 'gcp', 'example.com', '--project-id=8i0h210ynw', '--project-number=k48ckmvisq', '-y'];
    const set = await session.run(argv);
    expect(set.code).toBe(0);
    expect(set.err).toContain(
      'warning: `--project-id` "8i0h210ynw" does not look like the id of a Google Cloud project',
    );
    expect(set.err).toContain('warning: `--project-number` "k48ckmvisq" is not the digits of a project number');
    const google = { projectId: '8i0h210ynw', projectNumber: 'k48ckmvisq' };
    expect(await stored(session)).toMatchObject({ google });
  });

  test('several client ids at once', async () => {
    const session = await signedIn();
    const list = `--client-ids=canary=${client},syncer=${tenant}`;
    const argv = [
      ...noun,
      'set',
      'azure',
      'example.com',
      `--tenant-id=${tenant}`,
      list,
      `--client-ids=a=${client}`,
      '-y',
    ];
    expect((await session.run(argv)).code).toBe(0);
    expect((await stored(session)).azure.clientIds).toEqual({ canary: client, syncer: tenant, a: client });
  });

  test('a person picks the location and types the rest', async () => {
    const session = await signedIn();
    const picked = await session.run([...noun, 'set', 'gcp'], {
      tty: true,
      answers: ['sandbox', 'acme-prod', '424242', true],
    });
    expect(picked).toMatchObject({ code: 0 });
    expect(picked.err).toContain(
      'chainctl iam account-associations set gcp sandbox --project-id=acme-prod --project-number=424242',
    );
    expect(await stored(session, demoFolders.sandbox)).toMatchObject({ google: { projectId: 'acme-prod' } });
  });

  test('who may not is told so, and a viewer sees what an owner set', async () => {
    const session = await signedIn();
    await session.run(setAws);
    const guest = session.as('guest@example.com');
    const refused = await guest(setGcp);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('account_associations');
    expect((await guest([...noun, 'describe', 'example.com', '-oid'])).out).toBe(`${organization}\n`);
  });
});

describe('describe', () => {
  test('JSON is a bare array with the keys that scripts read', async () => {
    const session = await signedIn();
    const describe = [...noun, 'describe', 'example.com', '-o', 'json'];
    expect(await session.run(describe)).toMatchObject({ code: 0, out: '[]\n', err: '' });
    const { body } = await session.platform.call(
      await session.platform.token(personId('dev@example.com')),
      'POST',
      `/iam/v1/identities/${organization}`,
      { body: { name: 'syncer', servicePrincipal: 'CATALOG_SYNCER' } },
    );
    await put(session, {
      name: 'all',
      amazon: { account },
      google: { projectId: 'acme-prod', projectNumber: '424242' },
      azure: { tenantId: tenant, clientIds: { canary: client } },
      chainguard: { serviceBindings: { CATALOG_SYNCER: body.id } },
      github: { appInstallations: { '7': { installations: [{ installationId: '99', name: 'acme' }] } } },
    });
    const all = await session.run(describe);
    expect(all.out.split('\n')).toHaveLength(2);
    expect(JSON.parse(all.out)).toEqual([
      {
        group: organization,
        name: 'all',
        amazon: { account },
        google: { project_id: 'acme-prod', project_number: '424242' },
        azure: { tenant_id: tenant, client_ids: { canary: client } },
        chainguard: { service_bindings: { CATALOG_SYNCER: body.id } },
        github: { app_installations: { '7': { installations: [{ installation_id: '99', name: 'acme' }] } } },
      },
    ]);
    const keys = async (...flags: string[]) =>
      Object.keys(JSON.parse((await session.run([...describe, ...flags])).out)[0]);
    expect(await keys('--aws')).toEqual(['group', 'name', 'amazon']);
    expect(await keys('--gcp', '--chainguard')).toEqual(['group', 'name', 'google', 'chainguard']);
    const table = await session.run([...noun, 'get', 'example.com', '-o', 'table']);
    expect(table.out).toMatch(/^ +ID +\| NAME \| DESCRIPTION \| +ACCOUNTS\n/);
    expect(table.out).toContain(`chainguard CATALOG_SYNCER: ${body.id}`);
    expect(table.out).toContain('github 7: acme');
  });

  test('a flag for what is not there, and a location that is not there', async () => {
    const session = await signedIn();
    await session.run(setAws);
    expect((await session.run([...noun, 'describe', 'example.com', '--gcp', '-ojson'])).out).toBe('[]\n');
    expect(await session.run([...noun, 'describe', 'nowhere'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('No folder found for "nowhere"'),
    });
    // A record belongs to one group: what is above it is not shown with it.
    expect((await session.run([...noun, 'describe', 'sandbox', '-ojson'])).out).toBe('[]\n');
  });
});

describe('unset', () => {
  test('takes one account, and the record with the last one', async () => {
    const session = await signedIn();
    await session.run(setAws);
    await session.run(setGcp);
    const asked = await session.run([...noun, 'unset', 'aws', 'example.com'], { stdin: 'n\n' });
    expect(asked.code).toBe(1);
    expect(asked.err).toContain(
      `This removes AWS account "${account}" from "example.com". Do you want to continue? [y,N]`,
    );
    const gone = await session.run([...noun, 'unset', 'aws', 'example.com', '--yes']);
    expect(gone).toMatchObject({ code: 0, out: '', err: 'Removed the AWS account from "example.com".\n' });
    expect(await stored(session)).toMatchObject({ google: { projectId: 'acme-prod' } });
    expect((await stored(session)).amazon ?? undefined).toBeUndefined();
    expect((await session.run([...noun, 'unset', 'gcp', organization, '-y'])).code).toBe(0);
    expect(await stored(session)).toBeUndefined();
  });

  test('what is not there cannot be taken', async () => {
    const session = await signedIn();
    for (const words of [['--yes'], []]) {
      expect(await session.run([...noun, 'unset', 'azure', 'example.com', ...words])).toMatchObject({
        code: 1,
        out: '',
        err: 'error: "example.com" has no Azure account associated\n',
      });
    }
  });
});

describe('check', () => {
  async function withClouds() {
    const clouds = await startLoopbackClouds();
    const session = await signedIn({
      clouds: {
        awsSts: `${clouds.url}/aws/`,
        googleSts: `${clouds.url}/google`,
        googleIam: `${clouds.url}/iam/`,
        azureLogin: `${clouds.url}/azure`,
      },
    });
    clouds.now = () => session.clock.now();
    for (const set of [setAws, setGcp, setAzure]) expect((await session.run(set)).code).toBe(0);
    const trust = (audience: string, subject = `canary:${organization}`) => {
      clouds.trust = { issuer: session.platform.urls.issuer, audience, subject };
    };
    return { session, trust };
  }

  test('success is a line of a log, for each cloud', async () => {
    const { session, trust } = await withClouds();
    const clouds = [
      ['aws', 'AWS', 'amazon'],
      ['gcp', 'GCP', 'google'],
      ['azure', 'Azure', 'api://AzureADTokenExchange'],
    ] as const;
    for (const [word, name, audience] of clouds) {
      trust(audience);
      const checked = await session.run([...noun, 'check', word, 'example.com']);
      expect(checked, word).toMatchObject({ code: 0, err: '' });
      expect(checked.out).toMatch(
        new RegExp(String.raw`^2026/03/2\d \d\d:\d\d:00 ${name} role impersonation was successful!\n$`),
      );
    }
  });

  test('failure says what the cloud said', async () => {
    const { session, trust } = await withClouds();
    trust('amazon', 'canary:somebody-else');
    const failed = await session.run([...noun, 'check', 'aws', organization]);
    expect(failed).toMatchObject({
      code: 1,
      out: '',
      err: 'error: AWS role impersonation was not successful: InvalidIdentityToken: unexpected "sub" claim value\n',
    });
    const json = await session.run([...noun, 'check', 'aws', 'example.com', '-ojson']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toEqual({
      group: organization,
      ready: 'NotReady',
      reason: 'InvalidIdentityToken',
      message: 'unexpected "sub" claim value',
    });
    await session.run([...noun, 'set', 'aws', 'example.com', '--account=999999999999', '-y']);
    expect((await session.run([...noun, 'check', 'aws', 'example.com'])).err).toContain(
      'AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity',
    );
  });

  test('without an account, and on a platform that asks no cloud', async () => {
    const session = await signedIn();
    const none = await session.run([...noun, 'check', 'gcp', 'example.com']);
    expect(none).toMatchObject({ code: 1, out: '' });
    expect(none.err).toContain('NotConfigured');
    await session.run(setGcp);
    expect((await session.run([...noun, 'check', 'gcp', 'example.com'])).err).toContain('Offline');
  });

  test('a person picks the location', async () => {
    const { session, trust } = await withClouds();
    trust('amazon');
    const picked = await session.run([...noun, 'check', 'aws'], { tty: true, answers: ['example.com'] });
    expect(picked).toMatchObject({ code: 0, out: expect.stringContaining('AWS role impersonation was successful!') });
  });
});
