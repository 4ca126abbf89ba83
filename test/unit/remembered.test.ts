import { expect, test } from 'vitest';
import { remembered } from '../../src/cli/remembered.ts';

test('runs once for each run and key, also for two who ask at once', async () => {
  const asked: string[] = [];
  const load = remembered(
    async (_run: { readonly memory: object }, name: string) => {
      asked.push(name);
      return name.toUpperCase();
    },
    (name) => name,
  );
  const run = { memory: {} };
  expect(await Promise.all([load(run, 'a'), load(run, 'a'), load(run, 'b')])).toEqual(['A', 'A', 'B']);
  expect(await load({ memory: {} }, 'a')).toBe('A');
  expect(asked).toEqual(['a', 'b', 'a']);
});

test('what derives from a run shares its memory, unless it has its own', async () => {
  let count = 0;
  const load = remembered(async (_run: { readonly memory: object }) => {
    count += 1;
    return count;
  });
  const run = { memory: {} };
  expect(await load(run)).toBe(1);
  expect(await load(Object.create(run))).toBe(1);
  expect(await load(Object.create(run, { memory: { value: {} } }))).toBe(2);
});

test('a failure is remembered, and another function remembers for itself', async () => {
  const run = { memory: {} };
  let tries = 0;
  const failing = remembered(async () => {
    tries += 1;
    throw new Error('no');
  });
  await expect(failing(run)).rejects.toThrow('no');
  await expect(failing(run)).rejects.toThrow('no');
  expect(tries).toBe(1);
  expect(await remembered(async () => 'yes')(run)).toBe('yes');
});
