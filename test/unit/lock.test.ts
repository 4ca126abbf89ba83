import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { withLock } from '../../src/lock.ts';
import { bundle } from '../support/bundle.ts';
import { fakeHost } from '../support/fake-host.ts';

// Processes and sockets on a machine that others use as well.
vi.setConfig({ testTimeout: 30_000 });

let worker: Awaited<ReturnType<typeof bundle>>;

beforeAll(async () => {
  worker = await bundle(new URL('../support/lock-worker.ts', import.meta.url).pathname);
});
afterAll(() => worker.remove());

const start = (...words: string[]) =>
  spawn(process.execPath, [worker.path, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
const exitOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve));

test('twenty processes at once: each alone, none lost, nothing left behind', async () => {
  const { cwd } = fakeHost();
  writeFileSync(join(cwd, 'count'), '0');
  const codes = await Promise.all(
    Array.from({ length: 20 }, () => exitOf(start('count', join(cwd, 'lock'), cwd, '5'))),
  );
  expect(codes).toEqual(Array(20).fill(0));
  expect(readFileSync(join(cwd, 'count'), 'utf8')).toBe('100');
  expect(readdirSync(cwd)).toEqual(['count']);
}, 60_000);

test('a killed holder is replaced at once, by one of many', async () => {
  const { cwd } = fakeHost();
  const path = join(cwd, 'lock');
  const holder = start('hold', path, cwd);
  await new Promise((resolve) => holder.stdout?.once('data', resolve));
  const pid = Number(readFileSync(join(cwd, 'held'), 'utf8'));
  process.kill(pid, 'SIGKILL');
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 30 }, () =>
      // Were the dead one waited for, nobody would get in: its heartbeat may stand still for ten minutes.
      withLock(path, { timeoutMs: 30_000, staleMs: 600_000 }, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setTimeout(resolve, 2));
        inside -= 1;
      }),
    ),
  );
  expect(most).toBe(1);
}, 60_000);

test('a holder of another machine counts as gone once its heartbeat stands still, and not before', async () => {
  const { cwd } = fakeHost();
  const path = join(cwd, 'lock');
  mkdirSync(path);
  writeFileSync(join(path, 'abc'), JSON.stringify({ pid: 1, started: '', boot: 'x', host: `not-${hostname()}` }));
  const beat = setInterval(() => utimesSync(join(path, 'abc'), new Date(), new Date()), 20);
  await expect(withLock(path, { timeoutMs: 400, staleMs: 200 }, async () => 'in')).rejects.toMatchObject({
    kind: 'timeout',
    code: 'local.locked',
  });
  clearInterval(beat);
  expect(await withLock(path, { timeoutMs: 5_000, staleMs: 200 }, async () => 'in')).toBe('in');
});

/** Who ended on this machine just now, as it would have written itself down. */
async function ended(): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
  await exitOf(child);
  return { pid: child.pid, started: '1', ...here() };
}

/** This machine, its boot and its process namespace. */
function here(): { readonly host: string; readonly boot: string } {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return { host: hostname(), boot: `${boot}/${statSync('/proc/self/ns/pid').ino}` };
}

/** Whether the lock can be had at once although somebody's entry is in it. */
async function isTaken(text: string): Promise<boolean> {
  const path = join(fakeHost().cwd, 'lock');
  mkdirSync(path);
  writeFileSync(join(path, 'abc'), text);
  return withLock(path, { timeoutMs: 50, staleMs: 600_000 }, async () => true).catch((error) => {
    expect(error).toMatchObject({ code: 'local.locked' });
    return false;
  });
}

test.runIf(process.platform === 'linux')('only who certainly ended on this machine counts as dead', async () => {
  const dead = await ended();
  expect(await isTaken(JSON.stringify(dead))).toBe(true);
  const [boot = '', namespace = ''] = here().boot.split('/');
  const others: Record<string, unknown>[] = [
    { ...dead, host: `not-${hostname()}` },
    { ...dead, host: undefined },
    { ...dead, boot: `00000000-0000-0000-0000-000000000000/${namespace}` },
    { ...dead, boot: `${boot}/1` },
    { ...dead, boot },
    { ...dead, boot: '' },
    { ...dead, boot: undefined },
    { ...dead, pid: undefined },
    { ...dead, pid: String(dead['pid']) },
  ];
  for (const holder of others) {
    expect(await isTaken(JSON.stringify(holder)), JSON.stringify(holder)).toBe(false);
  }
  for (const text of ['', '{', 'null', '[]', '"text"', '7']) expect(await isTaken(text), text).toBe(false);
});

test.runIf(process.platform === 'linux')('a later process with the id of the holder is not the holder', async () => {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const holder = { pid: process.pid, ...here() };
  expect(await isTaken(JSON.stringify({ ...holder, started }))).toBe(false);
  expect(await isTaken(JSON.stringify({ ...holder, started: '' }))).toBe(false);
  expect(await isTaken(JSON.stringify({ ...holder, started: '1' }))).toBe(true);
});

test('a take-over that comes late does not touch the newer holder', async () => {
  const { cwd } = fakeHost();
  const path = join(cwd, 'lock');
  await withLock(path, {}, async () => {
    // The late one saw an entry that is long gone: all it can do is unlink that name.
    expect(readdirSync(path)).toHaveLength(1);
    await expect(withLock(path, { timeoutMs: 100, staleMs: 10_000 }, async () => 0)).rejects.toThrow('locked');
    expect(readdirSync(path)).toHaveLength(1);
  });
  expect(readdirSync(cwd)).toEqual([]);
});

test('an abort ends the wait, and a failure inside releases the lock', async () => {
  const { cwd } = fakeHost();
  const path = join(cwd, 'lock');
  const controller = new AbortController();
  await withLock(path, {}, async () => {
    const waiting = withLock(path, { signal: controller.signal }, async () => 0);
    setTimeout(() => controller.abort(new Error('stop')), 30);
    await expect(waiting).rejects.toThrow('stop');
  });
  await expect(withLock(path, {}, () => Promise.reject(new Error('inside')))).rejects.toThrow('inside');
  expect(readdirSync(cwd)).toEqual([]);
});
