// Records what policies say of the images that run.

import type { KubernetesObject } from '../../kubernetes/client.ts';
import type { Question, Verdict } from '../verify/verify.ts';
import { type RunningImage, recordPath } from './inventory.ts';
import type { KnownPolicies } from './known-policies.ts';
import type { Mirror } from './mirror.ts';

/** Images looked at again at once. */
const concurrency = 8;

export interface ImageResultsOptions {
  readonly mirror: Mirror;
  readonly policies: KnownPolicies;
  readonly images: ReadonlyMap<string, RunningImage>;
  /** A verdict that is not remembered. */
  readonly decide: (running: RunningImage, pod: KubernetesObject) => Promise<Verdict>;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Looks again at every image. Throws the first error; the images beside it are looked at all the same. */
export async function lookAgain(options: ImageResultsOptions): Promise<void> {
  const names = [...options.images.keys()];
  for (let at = 0; at < names.length && !options.signal.aborted; at += concurrency) {
    const some = names.slice(at, at + concurrency);
    const done = await Promise.allSettled(some.map((name) => lookAgainAt(options, name)));
    const failed = done.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

async function lookAgainAt(
  { mirror, policies, images, decide, now }: ImageResultsOptions,
  name: string,
): Promise<void> {
  const running = images.get(name);
  const [pod] = running?.pods.values() ?? [];
  if (running === undefined || pod === undefined) return;
  const { policies: results } = await decide(running, pod);
  // To the minute: what was found again as it was is no news.
  const checked = `${new Date(now()).toISOString().slice(0, 16)}:00Z`;
  const path = recordPath(name);
  for (const [policyName, { id, version }] of policies.byName) {
    const found = results.find((one) => one.name === policyName);
    if (found === undefined) {
      dropResults(mirror, [name], id);
      continue;
    }
    mirror.set([...path, ['result', id]], policyName, {
      policyId: id,
      version,
      result: found.result,
      diagnostic: found.messages.join('\n'),
      lastChecked: checked,
      parentType: 'RECORD',
    });
  }
  const signers = results.flatMap(({ authorities }) => authorities.flatMap(({ signatures }) => signatures));
  for (const { id, identity, predicateType } of signers) {
    mirror.set([...path, ['signature', id]], id, {
      ...(predicateType === undefined ? {} : { predicateType }),
      ...(identity === undefined ? { key: {} } : { keyless: identity }),
    });
  }
  mirror.set(path, name, signers.length === 0 ? {} : { lastRefreshed: { sig: checked } });
}

/** A policy that went has no verdict about anything; what it said would flag an image for good. */
export function dropResults(mirror: Pick<Mirror, 'has' | 'remove'>, images: Iterable<string>, policyId: string): void {
  for (const image of images) {
    const at = [...recordPath(image), ['result', policyId] as const];
    if (mirror.has(at)) mirror.remove(at);
  }
}

/** Returns what rules may ask for of an object. */
export const objectParts = (
  { spec, metadata }: { readonly spec?: unknown; readonly metadata?: unknown },
  typemeta: object,
): Question['object'] => ({ spec, metadata, typemeta });
