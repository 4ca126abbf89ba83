import { expect, test } from 'vitest';
import type { Context } from '../../src/cli/context.ts';
import { createIo } from '../../src/cli/io.ts';
import { withProgress } from '../../src/cli/progress.ts';
import { fakeHost } from '../support/fake-host.ts';

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function contextOf(options: Parameters<typeof fakeHost>[0]) {
  const host = fakeHost(options);
  const io = createIo(host, { forceColor: false, silent: () => false, assumeYes: false });
  return { host, context: { host, io } as Pick<Context, 'host' | 'io'> as Context };
}

test('a long wait on a terminal is named, and the line is gone afterwards, also after a failure', async () => {
  const { host, context } = contextOf({ tty: true });
  expect(
    await withProgress(
      context,
      'Waiting…',
      after(700).then(() => 'done'),
    ),
  ).toBe('done');
  expect(host.stderr.text).toMatch(/Waiting….*\r\u001b\[2K$/s);
  const failing = after(700).then(() => Promise.reject(new Error('no')));
  await expect(withProgress(context, 'Again…', failing)).rejects.toThrow('no');
  expect(host.stderr.text).toMatch(/Again….*\r\u001b\[2K$/s);
});

test('nothing is written for a short wait, into a pipe, or on a terminal that cannot take it back', async () => {
  const short = contextOf({ tty: true });
  await withProgress(short.context, 'Waiting…', after(1));
  const pipe = contextOf({});
  const dumb = contextOf({ tty: true, env: { TERM: 'dumb' } });
  await Promise.all([pipe, dumb].map(({ context }) => withProgress(context, 'Waiting…', after(700))));
  expect([short, pipe, dumb].map(({ host }) => host.stderr.text)).toEqual(['', '', '']);
});
