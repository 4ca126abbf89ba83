import { describe, expect, test } from 'vitest';
import { movedValues } from '../../src/commands/images/helm/image-values.ts';
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
  const image = await run(['images', 'helm', 'refs', `${host}/chainguard/nginx:latest`]);
  expect(image).toMatchObject({ code: 1, out: '' });
  expect(image.err).toBe(`error: "${host}/chainguard/nginx:latest" is not a Helm chart\n`);
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

describe('values', () => {
  const chart = 'chainguard/charts/nginx';

  test('another registry, another organization, both, and neither', async () => {
    const { run, host } = await withImages();
    const values = (...flags: string[]) => run(['images', 'helm', 'values', `${host}/${chart}`, ...flags]);
    expect(await values('--registry=mirror.internal:5000')).toMatchObject({
      code: 0,
      err: '',
      out: 'image:\n  registry: mirror.internal:5000\n',
    });
    expect((await values('--org=other-org')).out).toBe('image:\n  repository: other-org/nginx\n');
    expect(JSON.parse((await values('--registry=m.internal/x', '--org=other-org', '-ojson')).out)).toEqual({
      image: { registry: 'm.internal/x', repository: 'other-org/nginx' },
    });
    expect(await values()).toMatchObject({ code: 0, out: '', err: '' });
    expect((await values('-ojson')).out).toBe('{}\n');
    expect(await values('--registry=https://mirror.internal')).toMatchObject({ code: 2, out: '' });
  });

  test('every shape in which charts name images; only what changes is printed', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const values = {
      replicas: 1,
      image: { registry: 'cgr.dev', repository: 'chainguard/nginx', tag: '1', digest },
      sidecar: { image: { repository: 'cgr.dev/chainguard/proxy', tag: '2' } },
      job: { image: `cgr.dev/chainguard/job:3@${digest}`, name: 'chainguard/job' },
      foreign: { image: { registry: 'docker.io', repository: 'library/redis' } },
      extra: [{ name: 'a', image: 'cgr.dev/chainguard/job:3' }, { name: 'b' }],
    };
    const images = ['nginx:1', 'proxy:2', 'job:3'].map((name) => `cgr.dev/chainguard/${name}@${digest}`);
    expect(movedValues(values, images, { registry: 'm.internal', org: 'acme' })).toEqual({
      image: { registry: 'm.internal', repository: 'acme/nginx' },
      sidecar: { image: { repository: 'm.internal/acme/proxy' } },
      job: { image: `m.internal/acme/job:3@${digest}` },
      extra: [{ name: 'a', image: 'm.internal/acme/job:3' }, { name: 'b' }],
    });
    expect(movedValues(values, [], { registry: 'm.internal', org: undefined })).toBeUndefined();
    expect(movedValues('text', images, { registry: 'm.internal', org: undefined })).toBeUndefined();
  });
});
