// Masks as gRPC sends them, where nothing is filled in from JSON keys; over REST: test/platform/iam-v2.test.ts.

import { describe, expect, test } from 'vitest';
import { applyMask } from '../../src/local/api/versions/masks.ts';
import { StatusError } from '../../src/local/core/types.ts';

const identity = 'chainguard.platform.iam.v2.Identity';
const before = {
  uid: 'a',
  name: 'ci-bot',
  description: 'old',
  claimMatch: { issuer: 'https://i.example', subject: 's', claims: { env: 'prod' } },
};

describe('without a mask', () => {
  test.each([undefined, ''])('what is set counts (%o)', (mask) => {
    const given = { name: 'robot', claimMatch: { subjectPattern: 'x.*' } };
    expect(applyMask<object>(identity, before, given, mask).resource).toEqual({
      ...before,
      name: 'robot',
      claimMatch: { issuer: 'https://i.example', subjectPattern: 'x.*', claims: { env: 'prod' } },
    });
  });

  test('nothing set is nothing changed', () => {
    expect(applyMask<object>(identity, before, {}, undefined).resource).toEqual(before);
  });
});

test('with a mask, what is named and not set is cleared', () => {
  const { resource, hasField } = applyMask<object>(identity, before, { name: 'x' }, 'description,claimMatch.claims');
  expect(resource).toEqual({
    uid: 'a',
    name: 'ci-bot',
    claimMatch: { issuer: 'https://i.example', subject: 's' },
  });
  expect([hasField('claimMatch.claims'), hasField('claimMatch'), hasField('name')]).toEqual([true, false, false]);
});

test('a leaf of a message that is not there is made, or there is nothing to clear', () => {
  const given = { staticKeys: { issuer: 'https://j.example' } };
  expect(applyMask<object>(identity, before, given, 'staticKeys.issuer').resource).toEqual({
    uid: 'a',
    name: 'ci-bot',
    description: 'old',
    staticKeys: { issuer: 'https://j.example' },
  });
  expect(applyMask<object>(identity, before, {}, 'staticKeys.issuer').resource).toEqual(before);
});

test('a star replaces all', () => {
  expect(applyMask<object>(identity, before, { name: 'x' }, '*').resource).toEqual({ name: 'x' });
});

test('fields with a JSON name of their own are known by their proto name', () => {
  const repo = 'chainguard.platform.registry.v2.Repo';
  const after = { sync_config: { source: 's' } };
  for (const mask of ['syncConfig.source', 'sync_config.source', 'syncConfig', undefined]) {
    expect(applyMask<object>(repo, { name: 'r' }, after, mask).resource).toEqual({ name: 'r', ...after });
  }
});

test('what it was made of stays as it was', () => {
  const copy = structuredClone(before);
  applyMask<object>(identity, before, { claimMatch: { subject: 'y' } }, 'claimMatch.subject');
  expect(before).toEqual(copy);
});

test.each([
  'nonsense',
  'name.first',
  'claimMatch.claims.env',
  'createTime.seconds',
  '__proto__',
  'claimMatch.',
  '*,name',
])('the path %s leads nowhere', (mask) => {
  const apply = () => applyMask<object>(identity, before, {}, mask);
  expect(apply).toThrow(StatusError);
  expect(apply).toThrow(/^update_mask: /);
});
