// The evaluator of `iam access` and the matcher of `iam identities test`, against what a platform really does; a bounded time each,
// with seeds of their own that a failure names.

import { expect, test } from 'vitest';
import { accessOracle } from '../support/access-oracle.ts';
import { admissionWorld } from '../support/admission-oracle.ts';
import { forSeeds } from '../support/random.ts';

const boundMs = 25_000;

test('who can do what is what the platform answers', { timeout: 120_000 }, async () => {
  const oracle = await accessOracle();
  let tries = 0;
  await forSeeds(1, async (random) => {
    for (const end = Date.now() + boundMs; Date.now() < end; tries += 240) await oracle.look(random, 240);
  });
  expect(tries).toBeGreaterThan(oracle.operations);
});

test('a token is admitted exactly when the exchange admits it', { timeout: 120_000 }, async () => {
  const world = await admissionWorld();
  let looked = 0;
  await forSeeds(1, async (random) => {
    for (const end = Date.now() + boundMs; Date.now() < end; looked += 10) await world.look(random, 10);
  });
  expect(looked).toBeGreaterThan(30);
});
