import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { demoFolders, demoOrganizations } from '../support/ids.ts';
import { temporaryFolder } from '../support/platform.ts';
import { startPlatformChild } from '../support/platform-child.ts';
import { startReceiver } from '../support/receiver.ts';
import { digestOf, imageManifest, ociManifest, send } from './registry-client.ts';

/** Runs until the platform is gone. fetch's word for that is a TypeError. */
async function untilGone(work: () => Promise<void>): Promise<void> {
  try {
    for (;;) await work();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

test('every acknowledged change and push reaches the receiver, identified and in order, across two kills', async () => {
  const dataDir = temporaryFolder();
  const organization = demoOrganizations.private;
  let running = await startPlatformChild(dataDir);
  const receiver = await startReceiver(() => running.api, organization);
  // A sink that has its bad moments, but never five for one event: that would rightly end as a dead letter.
  let request = 0;
  const refused = new Map<string, number>();
  receiver.answer = ({ attributes }) => {
    request += 1;
    const id = String(attributes['id']);
    const times = refused.get(id) ?? 0;
    if (times >= 2 || (request % 7 !== 0 && request % 11 !== 0)) return undefined;
    refused.set(id, times + 1);
    return request % 7 === 0 ? 503 : 'drop';
  };
  try {
    const call = async (method: string, path: string, body: unknown) => {
      const response = await fetch(`${running.api}${path}`, {
        method,
        headers: { authorization: `Bearer ${running.token}` },
        body: JSON.stringify(body),
      });
      // A body that breaks off is the kill, too.
      const text = await response.text().catch(() => {
        throw new TypeError('gone');
      });
      if (response.status !== 200) throw new Error(`refused: ${response.status} ${text}`);
      return JSON.parse(text) as { id: string };
    };
    await call('POST', `/events/v1/subscriptions/${organization}`, { sink: receiver.url });

    const groups: string[] = [];
    const manifests: string[] = [];
    const versions: string[] = [];
    let count = 0;
    const change = async (): Promise<void> => {
      const { id } = await call('POST', `/iam/v1/groups/${demoFolders.sandbox}`, { name: `group ${++count}` });
      groups.push(id);
    };
    const rename = async (): Promise<void> => {
      const description = `version ${++count}`;
      await call('PUT', `/iam/v1/groups/${demoFolders.engineering}`, { name: 'engineering', description });
      versions.push(description);
    };
    const push = async (): Promise<void> => {
      const { api, registryToken: token } = running;
      const name = 'example.com/killed';
      const layer = randomBytes(500);
      for (const blob of [Buffer.from('{}'), layer]) {
        const path = `/v2/${name}/blobs/uploads/?digest=${digestOf(blob)}`;
        const { status } = await send(api, 'POST', path, { token, body: blob });
        if (status !== 201) throw new Error(`blob refused: ${status}`);
      }
      const manifest = imageManifest('{}', layer);
      const headers = { 'content-type': ociManifest };
      const path = `/v2/${name}/manifests/t${++count}`;
      const { status } = await send(api, 'PUT', path, { token, body: manifest, headers });
      if (status !== 201) throw new Error(`manifest refused: ${status}`);
      manifests.push(digestOf(manifest));
    };

    for (let round = 0; round < 2; round++) {
      const before = [groups.length, manifests.length] as const;
      const work = [change, change, rename, push].map(untilGone);
      const enough = () => groups.length > before[0] + 20 && manifests.length > before[1] + 5;
      await expect.poll(enough, { timeout: 60_000, interval: 5 }).toBe(true);
      await sleep(Math.random() * 100);
      const port = running.api;
      await running.kill();
      await Promise.all(work);
      running = await startPlatformChild(dataDir);
      // Tokens name the issuer by its address, so the next start has the same.
      expect(running.api).toBe(port);
    }

    const subjects = () => new Set(receiver.events.map(({ attributes }) => attributes['subject']));
    const pushed = () => new Set(receiver.events.map(({ data }) => data.body.digest));
    const described = () => receiver.events.map(({ data }) => data.body.description);
    const missing = () => [
      ...groups.filter((id) => !subjects().has(id)),
      ...manifests.filter((digest) => !pushed().has(digest)),
      ...versions.filter((version) => !described().includes(version)),
    ];
    await expect.poll(missing, { timeout: 60_000, interval: 100 }).toEqual([]);
    expect(receiver.refused).toEqual([]);
    expect(groups.length).toBeGreaterThan(20);
    expect(manifests.length).toBeGreaterThan(5);

    // One id, one event: whatever came twice is the same to the byte.
    const bytes = new Map<string, string>();
    for (const { attributes, text } of receiver.events) {
      const id = attributes['id'] ?? '';
      expect(bytes.get(id) ?? text).toBe(text);
      bytes.set(id, text);
    }
    // Of one subject the first sight of each event is in the order they happened.
    const firstSeen = [...new Set(described().filter((text): text is string => /^version/.test(text ?? '')))];
    expect(firstSeen.filter((version) => versions.includes(version))).toEqual(versions);
  } finally {
    await running.kill();
    await receiver.close();
  }
}, 240_000);
