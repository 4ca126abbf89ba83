import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { forEachConcurrently } from '../../src/parallel.ts';

test('every item once, in order, no more at a time than allowed', async () => {
  const begun: [number, string][] = [];
  let running = 0;
  let most = 0;
  await forEachConcurrently(['a', 'b', 'c', 'd', 'e'], 2, async (item, index) => {
    begun.push([index, item]);
    running += 1;
    most = Math.max(most, running);
    await delay(1);
    running -= 1;
  });
  expect(begun).toEqual([...['a', 'b', 'c', 'd', 'e'].entries()]);
  expect(most).toBe(2);
});

test('after a failure nothing new is begun', async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    await delay(item);
    if (item === 1) throw new Error('no');
  };
  await expect(forEachConcurrently([1, 20, 2, 3], 2, work)).rejects.toThrow('no');
  await delay(30);
  expect(begun).toEqual([1, 20]);
});
