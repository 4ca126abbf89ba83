import { expect, test } from 'vitest';
import { withImages } from '../support/signed-in-registry.ts';

test('refs: one reference to a line, of the highest version, below another repository, by requirement', async () => {
  const { run, host } = await withImages();
  const chart = `${host}/chainguard/iamguarded-charts/nginx`;
  const { out, err, code } = await run(['images', 'helm', 'refs', chart]);
  expect({ err, code }).toEqual({ err: '', code: 0 });
  const lines = out.trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line).toMatch(/^cgr\.dev\/chainguard\/(nginx|python):[^@]+@sha256:[0-9a-f]{64}$/);
  expect((await run(['images', 'helm', 'refs', `${chart}:22.2.1`])).out).toBe(out);
  expect((await run(['images', 'helm', 'refs', `${chart}:22.1.0`])).out).not.toBe(out);
  const mirror = await run([
    'images',
    'helm',
    'refs',
    chart,
    '--repository',
    'mirror.internal/x',
    '--requirement',
    'required',
  ]);
  expect(mirror.out).toBe(
    lines
      .filter((line) => line.includes('nginx'))
      .map((line) => `mirror.internal/x/${line.split('/').at(-1)}\n`)
      .join(''),
  );
  const json = JSON.parse((await run(['images', 'helm', 'refs', chart, '--repository=mirror.internal', '-ojson'])).out);
  expect(json.map(({ image }: { image: string }) => image)).toEqual(lines);
  expect(json.map(({ requirement }: { requirement: string }) => requirement)).toEqual(['required', 'optional']);
  const missing = await run(['images', 'helm', 'refs', `${chart}:9.9.9`]);
  expect(missing).toMatchObject({ code: 1, out: '' });
});

test('add-chart: a dry run changes nothing, existing repositories are skipped', async () => {
  const { run } = await withImages();
  const add = ['images', 'helm', 'add-chart', 'iamguarded-charts/nginx', '--parent=example.com', '-ojson'];
  const names = async () => (await run(['images', 'repos', 'list', '--parent=example.com', '-otree'])).out;
  const before = await names();
  const dry = JSON.parse((await run([...add, '--dry-run'])).out).items;
  expect(dry).toEqual([
    { name: 'iamguarded-charts/nginx', created: true },
    { name: 'nginx', created: false, id: expect.any(String) },
    { name: 'python', created: false, id: expect.any(String) },
  ]);
  expect(await names()).toBe(before);
  expect(JSON.parse((await run(add)).out).items[0]).toMatchObject({ created: true, id: expect.any(String) });
  expect(await names()).toContain('[iamguarded-charts/nginx]');
  expect(JSON.parse((await run(add)).out).items[0]).toMatchObject({ created: false });
  const unknown = await run(['images', 'helm', 'add-chart', 'nothing', '--parent=example.com']);
  expect(unknown).toMatchObject({ code: 1, out: '' });
  expect(unknown.err).toMatch(/not found/);
});
