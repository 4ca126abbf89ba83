import { describe, expect, test } from 'vitest';
import { createPager, page, pagerCommand } from '../../src/cli/pager.ts';
import { fakeHost } from '../support/fake-host.ts';

const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}\n`);

describe('which program', () => {
  const off = { isOn: () => false };
  const on = { isOn: () => true };
  test.each([
    [{}, on, 'less'],
    [{}, undefined, 'less'],
    [{ PAGER: 'more' }, on, 'more'],
    [{ PAGER: 'more' }, off, undefined],
    [{ PAGER: 'more', CHAINCTL_PAGER: 'less -S' }, off, 'less -S'],
    [{ PAGER: 'more', CHAINCTL_PAGER: '' }, on, undefined],
    [{ PAGER: 'cat' }, on, undefined],
    [{ TERM: 'dumb' }, on, undefined],
    [{ ACCESSIBLE: '1' }, on, undefined],
  ])('%j', (env, config, expected) => {
    expect(pagerCommand(fakeHost({ tty: true, env }), config)).toBe(expected);
    expect(pagerCommand(fakeHost({ tty: false, env }), config)).toBeUndefined();
  });
});

test('what fits is written at the end, what does not is given to the pager in the order it came', async () => {
  const short = fakeHost({ tty: true });
  const small = createPager(short, 'less');
  for (const line of lines(23)) small.write(line);
  expect(short.stdout.text).toBe('');
  await small.end();
  expect(short.stdout.text).toBe(lines(23).join(''));
  expect(short.paged).toEqual([]);

  const long = fakeHost({ tty: true });
  const large = createPager(long, 'less');
  for (const line of lines(50)) large.write(line);
  await large.end();
  expect(long.paged).toEqual(['less']);
  expect(long.stdout.text).toBe(lines(50).join(''));
});

test('a line that is wider than the terminal takes several rows, and colors take none', async () => {
  const host = fakeHost({ tty: true, columns: 80 });
  await page(host, `${'x'.repeat(80 * 24)}\n`);
  expect(host.paged).toEqual(['less']);
  const colored = fakeHost({ tty: true, columns: 80 });
  await page(colored, `\u001b[31m${'x'.repeat(80)}\u001b[39m\n`.repeat(23));
  expect(colored.paged).toEqual([]);
});
