import { expect, test } from 'vitest';
import { messages, schema } from '../../src/api/schema/messages.gen.ts';
import { operations } from '../../src/api/schema/operations.gen.ts';
import { createWire } from '../../src/api/wire.ts';
import { eventFacts } from '../../src/local/modules.ts';
import { toEvent } from '../../src/local/outbox/outbox.ts';
import { builtInRoleId, demoFolders, dev, developerIssuer, guest, organization, people } from '../support/ids.ts';
import { startTestPlatform } from '../support/platform.ts';

const { sandbox } = demoFolders;
const wire = createWire(schema);

test('a change and its event are written together, in the words of the specification', async () => {
  const platform = await startTestPlatform();
  const { body: group } = await platform.call(await platform.token(dev), 'POST', `/iam/v1/groups/${organization}`, {
    body: { name: 'backend' },
  });
  const row = platform.store.read((tx) => tx.get('SELECT * FROM outbox'));
  expect(row).toEqual({
    seq: 1,
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    type: 'dev.chainguard.api.iam.group.created.v1',
    source: `${platform.urls.api}/iam/v1/groups`,
    subject: group.id,
    group_id: group.id,
    extensions: JSON.stringify({ bodytype: 'chainguard.platform.iam.Group', group: group.id }),
    body: JSON.stringify({ id: group.id, name: 'backend' }),
    actor: JSON.stringify({ subject: dev, act: { iss: developerIssuer, sub: people[0]?.subject } }),
    audience: 'customer',
    created_at: Date.parse('2026-03-27T13:55:00.785Z'),
  });
});

test('a deletion tells what was asked, under the group it was in', async () => {
  const platform = await startTestPlatform();
  await platform.call(await platform.token(dev), 'DELETE', `/iam/v1/groups/${sandbox}`);
  const row = platform.store.read((tx) => tx.get('SELECT type, subject, group_id, body FROM outbox'));
  expect(row).toEqual({
    type: 'dev.chainguard.api.iam.group.deleted.v1',
    subject: sandbox,
    group_id: organization,
    body: JSON.stringify({ id: sandbox }),
  });
});

test('a batch is one event', async () => {
  const platform = await startTestPlatform();
  const answer = await platform.call(await platform.token(dev), 'POST', `/iam/v1/rolebindings/batch/${sandbox}`, {
    body: ['viewer', 'editor'].map((role) => ({ identity: guest, role: builtInRoleId(role) })),
  });
  const bindings: { id: string }[] = answer.body.roleBindings;
  const rows = platform.store.read((tx) => tx.all('SELECT type, subject, group_id FROM outbox'));
  expect(rows).toEqual([
    {
      type: 'dev.chainguard.api.iam.rolebindings.created.batch.v1',
      subject: bindings.map(({ id }) => id).join(','),
      group_id: sandbox,
    },
  ]);
});

test('what is refused and what only reads leaves no event', async () => {
  const platform = await startTestPlatform();
  const token = await platform.token(dev);
  await platform.call(token, 'POST', `/iam/v1/groups/${organization}`, { body: { name: 'sandbox' } });
  await platform.call(token, 'GET', '/iam/v1/groups');
  expect(platform.events()).toEqual([]);
});

test('secrets stay out of events', () => {
  const secret = 'hunter2';
  const invite = {
    id: `${organization}/0123456789abcdef`,
    expiration: '2026-03-27T13:55:00Z',
    keyId: 'k',
    code: secret,
  };
  const created = toEvent({ wire, facts: eventFacts() }, operations['iam.v1.GroupInvites.Create'], {}, invite);
  expect(created?.body).toEqual({ id: invite.id, expiration: invite.expiration });
  const provider = { id: invite.id, name: 'okta', oidc: { issuer: 'https://idp.example', clientSecret: secret } };
  const made = toEvent({ wire, facts: eventFacts() }, operations['iam.v1.IdentityProviders.Create'], {}, provider);
  expect(made?.body).toEqual({ id: invite.id, name: 'okta', oidc: { issuer: 'https://idp.example' } });
});

test('every operation that raises an event has a body that the tables know', () => {
  const names = Object.values(operations)
    .filter(({ event }) => event !== null)
    .map(({ request, response }) => ((response as string) === 'google.protobuf.Empty' ? request : response));
  expect(names.filter((name) => messages[name] === undefined)).toEqual([]);
});
