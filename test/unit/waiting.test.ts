import { expect, test } from 'vitest';
import { createStyle } from '../../src/cli/style.ts';
import { createWaiting, waitingFor } from '../../src/cli/waiting.ts';
import { fakeHost } from '../support/fake-host.ts';

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function started(options: Parameters<typeof fakeHost>[0]) {
  const host = fakeHost(options);
  return { host, waiting: createWaiting(host, createStyle(false)) };
}

test('a wait of more than 300 ms on a terminal is named, and the line is gone afterwards, also after a failure', async () => {
  const { host, waiting } = started({ tty: true });
  expect(
    await waitingFor(
      { waiting },
      'Waiting for x',
      after(150).then(() => 'done'),
    ),
  ).toBe('done');
  expect(host.stderr.text).toBe('');
  await waitingFor({ waiting }, 'Waiting for x', after(500));
  expect(host.stderr.text).toMatch(/^\S Waiting for x.*\r\u001b\[2K$/s);
  await expect(
    waitingFor(
      { waiting },
      'Again',
      after(500).then(() => Promise.reject(new Error('no'))),
    ),
  ).rejects.toThrow('no');
  expect(host.stderr.text).toMatch(/Again.*\r\u001b\[2K$/s);
});

test('after ten seconds it says since when and what to do; what else is written takes the line away', async () => {
  const { host, waiting } = started({ tty: true, columns: 120 });
  const wait = waiting.begin('Waiting for x');
  await after(400);
  host.advance(12_000);
  await after(150);
  expect(host.stderr.text).toContain(
    'Waiting for x, 12 s: Ctrl-C ends it, `chainctl config validate` looks for the reason',
  );
  waiting.clear();
  expect(host.stderr.text.endsWith('\r\u001b[2K')).toBe(true);
  wait.end();
});

test('nothing is written into a pipe, or on a terminal that cannot take it back; nothing turns for who hears it', async () => {
  const pipe = started({});
  const dumb = started({ tty: true, env: { TERM: 'dumb' } });
  const heard = started({ tty: true, env: { ACCESSIBLE: '1' } });
  await Promise.all([pipe, dumb, heard].map((one) => waitingFor(one, 'Waiting for x', after(800))));
  expect([pipe, dumb].map(({ host }) => host.stderr.text)).toEqual(['', '']);
  expect(heard.host.stderr.text).toBe('Waiting for x\r\u001b[2K');
});
