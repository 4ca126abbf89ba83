// Keeps a copy of the objects of one kind up to date. Guarantees: a watch that ended goes on where it was; whatever was
// missed is found by listing again; an API server that is away is asked again with growing pauses and never given up.

import type { KubernetesClient, KubernetesObject } from './client.ts';
import { KubernetesError } from './client.ts';

export interface Follower {
  upsert(object: KubernetesObject): void;
  remove(object: Pick<KubernetesObject, 'metadata'>): void;
  /** Everything was listed. */
  ready(): void;
  /** It does not work now and is tried again. */
  failed(error: unknown): void;
}

const shortestPauseMs = 500;
const maxPauseMs = 15_000;

/** Resolves when the signal is aborted. */
export async function follow(
  client: KubernetesClient,
  path: string,
  follower: Follower,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map<string, KubernetesObject>();
  let version = '';
  let pause = shortestPauseMs;
  while (!signal.aborted) {
    try {
      if (version === '') {
        const { items, resourceVersion } = await client.list(path);
        const listed = new Set(items.map(({ metadata }) => metadata.uid));
        for (const [uid, object] of known) {
          if (listed.has(uid)) continue;
          known.delete(uid);
          follower.remove(object);
        }
        for (const item of items) take(item);
        version = resourceVersion;
        follower.ready();
      }
      await client.watch(
        path,
        version,
        ({ type, object }) => {
          version = object.metadata.resourceVersion;
          pause = shortestPauseMs;
          if (type === 'BOOKMARK') return;
          if (type === 'DELETED') {
            known.delete(object.metadata.uid);
            follower.remove(object);
          } else take(object);
        },
        signal,
      );
    } catch (error) {
      if (signal.aborted) return;
      // 410: the server no longer remembers what came after this version.
      if (error instanceof KubernetesError && error.status === 410) {
        version = '';
        continue;
      }
      follower.failed(error);
      await sleep(pause, signal);
      pause = Math.min(pause * 2, maxPauseMs);
      // Another server may stand behind the address by now, with versions of its own.
      version = '';
    }
  }

  function take(object: KubernetesObject): void {
    const before = known.get(object.metadata.uid);
    // Only what tells versions apart, and who it was, is kept.
    const { name, namespace, uid, resourceVersion } = object.metadata;
    known.set(uid, { metadata: { name, uid, resourceVersion, ...(namespace === undefined ? {} : { namespace }) } });
    if (before?.metadata.resourceVersion !== object.metadata.resourceVersion) follower.upsert(object);
  }
}

export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
