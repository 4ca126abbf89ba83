import { expect, test } from 'vitest';
import { signedIn } from '../support/signed-in.ts';

/** By the clock of the tests, 27 March 2026: of nodejs, 23 ended in June 2025 and its half year of grace in December. */
const list = async () => {
  const { run } = await signedIn({ seed: 'demo' });
  return (...words: string[]) => run(['packages', 'versions', 'list', ...words]);
};
const versions = (out: string) => JSON.parse(out).items.map(({ version }: { version: string }) => version);

test('newest first, with the day each ends and the end of its grace', async () => {
  const run = await list();
  const table = await run('nodejs');
  expect(
    table.out
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s*\|\s*/)),
  ).toEqual([
    ['VERSION', 'EOL DATE', 'EOL GRACE PERIOD END DATE'],
    expect.anything(),
    ['25', '2026-06-01', '2026-12-01'],
    ['24', '2028-04-30', '2028-10-30'],
    ['23', '2025-06-01', '2025-12-01'],
  ]);
  // The last day of a month that has no 31st.
  const { items } = JSON.parse((await run('python-3', '-o', 'json')).out);
  expect(items[0]).toMatchObject({ version: '3.14', eolDate: '2030-10-31', eolGracePeriodEndDate: '2031-04-30' });
  const csv = (await run('nginx-mainline', '-o', 'csv')).out.split('\r\n');
  expect(csv[0]).toBe('VERSION,EOL DATE,EOL GRACE PERIOD END DATE,LATEST,RELEASE DATE,LTS,FIPS');
  expect(csv[1]).toBe('1.29,,,1.29.3-r0,2025-06-24,,');
});

test('only some of them', async () => {
  const run = await list();
  const of = async (...words: string[]) => versions((await run(...words, '-ojson')).out);
  expect(await of('nodejs', '--show-active')).toEqual(['25', '24']);
  expect(await of('nodejs', '--show-eol')).toEqual(['23']);
  // 3.9 ended in October 2025: its grace lasts until the end of April 2026.
  expect(await of('python-3', '--show-active', '--include-inactive')).toEqual(['3.14', '3.13', '3.9']);
  expect(await of('nodejs', '--show-active', '--include-inactive')).toEqual(['25', '24']);
  expect(await of('nodejs', '--show-fips')).toEqual([]);
  const both = await run('nodejs', '--show-active', '--show-eol');
  expect(both).toMatchObject({ code: 2, out: '' });
});

test('a package that is not known, and none', async () => {
  const run = await list();
  const unknown = await run('no-such-package');
  expect(unknown).toMatchObject({ code: 1, out: '' });
  expect(unknown.err).toContain('no-such-package');
  expect((await run()).code).toBe(2);
});
