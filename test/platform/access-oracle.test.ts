// A fixed sample of what test/e2e/access-oracle.test.ts looks at as a whole.

import { expect, test } from 'vitest';
import { accessOracle } from '../support/access-oracle.ts';
import { createRandom } from '../support/random.ts';

test('who can do what is what the platform answers', async () => {
  const oracle = await accessOracle();
  expect(oracle.operations).toBeGreaterThan(80);
  const seen = await oracle.look(createRandom(15), 360);
  expect(seen.allowed).toBeGreaterThan(60);
  expect(seen.refused).toBeGreaterThan(60);
  expect(seen.inherited).toBeGreaterThan(5);
});
