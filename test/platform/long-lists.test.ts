// Lists that are answered in parts: all of it, in order, as valid JSON, with others answered meanwhile.

import { request } from 'node:http';
import { expect, test } from 'vitest';
import { inOnePiece } from '../../src/local/api/long-answers.ts';
import type { Part } from '../../src/local/api/selection.ts';
import { grantsOf } from '../../src/local/authorization/access.ts';
import { anonymous } from '../../src/local/core/types.ts';
import { listAccountAssociations } from '../../src/local/iam/account-associations.ts';
import { insertGroup, listGroups } from '../../src/local/iam/groups.ts';
import { listIdentities } from '../../src/local/iam/identities.ts';
import { listRoles } from '../../src/local/iam/roles.ts';
import { insertIdentity } from '../../src/local/iam/stored-identity.ts';
import { listRepos } from '../../src/local/registry/catalog/repos.ts';
import { listTags } from '../../src/local/registry/catalog/tags.ts';
import type { Tx } from '../../src/local/store/database.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

const organization = demoOrganizations.private;
const dev = personId('dev@example.com');
const hex = (index: number): string => index.toString(16).padStart(16, '0');

function fill(tx: Tx, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const group = `${organization}/${hex(index * 7 + 1)}`;
    insertGroup(tx, { parent: organization, name: `folder-${index}`, description: 'with "quotes" and ✓' }, group);
    const claimMatch = { issuer: 'https://issuer.example', subject: `s${index}` };
    const relationship = { kind: 'claimMatch', claimMatch } as const;
    insertIdentity(tx, { id: `${group}/${hex(index)}`, name: `robot ${index} é`, description: '', relationship });
    if (index % 3 === 0) {
      const values = [group, `name ${index}`, '{"amazon":{"account":"123456789012"}}'];
      tx.run(
        'INSERT INTO account_associations (group_id, name, body, created_at, updated_at) VALUES (?, ?, ?, 1, 2)',
        ...values,
      );
    }
  }
}

test.each([3, 1000])('parts of %i rows are the list, whatever its table', async (most) => {
  const platform = await startTestPlatform({ seed: 'demo' });
  platform.store.transact((tx) => fill(tx, 30));
  const whole = { uidp: { descendantsOf: demoOrganizations.public } };
  for (const [list, filter] of [
    [listGroups, {}],
    [listIdentities, {}],
    [listRoles, {}],
    [listAccountAssociations, {}],
    [listRepos, whole],
    [listTags, whole],
  ] as const) {
    const inParts = (part?: Part): { items?: object[] } =>
      platform.store.read((tx) => {
        const caller = { ...anonymous, identity: dev, ceiling: grantsOf(tx, dev) };
        return list(tx, caller, filter, { part }) as { items?: object[] };
      });
    const expected = inParts().items ?? [];
    expect(expected.length, list.name).toBeGreaterThan(5);
    const found: object[] = [];
    let part: Part = { most, after: undefined, next: undefined };
    for (;;) {
      found.push(...(inParts(part).items ?? []));
      if (part.next === undefined) break;
      part = { most, after: part.next, next: undefined };
    }
    expect(found).toEqual(expected);
    expect(await inOnePiece(async (one) => inParts(one))).toEqual({ items: expected });
  }
});

/** Reads a list byte for byte, as slowly as told. */
function read(platform: TestPlatform, token: string, onData: (seen: number) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const call = request(`${platform.urls.api}/iam/v1/identities`, { headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        onData(text.length);
      });
      response.on('end', () => resolve(text)).on('error', reject);
    });
    call.on('error', reject).end();
  });
}

test('others are answered while a long list is on its way, and what they change does not break it', async () => {
  const platform = await startTestPlatform();
  platform.store.transact((tx) => fill(tx, 5_000));
  const token = await platform.token(dev);
  let isOver = false;
  const order: string[] = [];
  const list = read(platform, token, () => {}).then((text) => {
    isOver = true;
    order.push('list');
    return text;
  });
  const other = platform.call(token, 'GET', '/iam/v1/organizations').then(() => order.push('other'));
  const gone = platform.call(token, 'DELETE', `/iam/v1/identities/${organization}/${hex(7 * 4_999 + 1)}/${hex(4_999)}`);
  expect((await gone).status).toBe(200);
  expect(isOver).toBe(false);
  await other;
  const { items } = JSON.parse(await list) as { items: { id: string }[] };
  expect(order).toEqual(['other', 'list']);
  const ids = items.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)].sort());
  expect(ids.length).toBe(4_999);
});

test('a list ends in the middle for whoever loses the right to it, and never looks whole', async () => {
  const platform = await startTestPlatform();
  platform.store.transact((tx) => fill(tx, 5_000));
  const reader = platform.user('reader@example.org', ['viewer', organization]);
  const token = await platform.token(reader);
  let removed = false;
  const ended = read(platform, token, () => {
    if (removed) return;
    removed = true;
    platform.store.transact((tx) => tx.run('DELETE FROM identities WHERE id = ?', reader));
  });
  await expect(ended).rejects.toThrow(/aborted/);
});
