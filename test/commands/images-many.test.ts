import { expect, test } from 'vitest';
import { withImages } from '../support/signed-in-registry.ts';

// 2,000 repositories with 20 tags each, in a few round trips.
test('many repositories cost as many requests as few, and come in one order', async () => {
  const { run, platform, calls } = await withImages();
  const list = ['images', 'list', '--parent=example.com', '-o', 'json'];
  calls();
  await run(list);
  const few = calls().sort();
  platform.store.transact((tx) => {
    const [app] = tx.all("SELECT * FROM repos WHERE name = 'app' AND parent != ''");
    const [manifest] = tx.all('SELECT * FROM manifests WHERE repo = ? LIMIT 1', String(app?.['id']));
    for (let at = 0; at < 2000; at += 1) {
      const id = `${app?.['parent']}/ab${at.toString(16).padStart(14, '0')}`;
      const name = `many-${String(at).padStart(4, '0')}`;
      tx.run(
        'INSERT INTO repos (id, parent, name, public, attributes, created_at, updated_at) VALUES (?, ?, ?, 0, ?, 0, 0)',
        ...[id, String(app?.['parent']), name, '{}'],
      );
      tx.run(
        'INSERT INTO manifests (repo, digest, media_type, annotations, content, created_at) VALUES (?, ?, ?, ?, ?, 0)',
        ...[id, String(manifest?.['digest']), String(manifest?.['media_type']), String(manifest?.['annotations'])],
        manifest?.['content'] ?? '',
      );
      for (let tag = 0; tag < 20; tag += 1) {
        tx.run(
          'INSERT INTO tags (id, repo, name, digest, updated_at) VALUES (?, ?, ?, ?, 0)',
          ...[`${id}/${tag.toString(16).padStart(16, '0')}`, id, `1.${tag}`, String(manifest?.['digest'])],
        );
      }
    }
  });
  calls();
  const { code, out, err } = await run(list);
  expect([code, err]).toEqual([0, '']);
  // The platform logs a large answer when its last byte is written, which the reader may be told of first.
  const asked: string[] = [];
  await expect.poll(() => asked.push(...calls()) && asked.sort()).toEqual(few);
  const items: { repo?: { name: string }; name?: string; tags?: { name: string }[] }[] =
    JSON.parse(out).items ?? JSON.parse(out);
  const many = items.filter((item) => JSON.stringify(item).includes('many-'));
  expect(many).toHaveLength(2000);
  expect(JSON.stringify(many[0])).toContain('many-0000');
  expect(JSON.stringify(many.at(-1))).toContain('many-1999');
  expect((await run(list)).out).toBe(out);
}, 60_000);
