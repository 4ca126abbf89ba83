// Push and pull events (semantics 8.4). Guarantees: a push's event commits with the push; a pull's is on disk before
// the pull is answered.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parentOf } from '../../api/uidp.ts';
import { insertEvent, keepNewestOf } from '../outbox/stored-events.ts';
import type { Store, Tx } from '../store/database.ts';
import type { Repository } from './repositories.ts';
import { findTag, moveTag } from './stored-tags.ts';

/** Caller and client address. */
export interface Visit {
  /** UIDP; undefined for anonymous pulls. */
  readonly identity: string | undefined;
  readonly actor: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
  readonly userAgent: string;
}

export interface PushEvent {
  readonly type: 'manifest' | 'blob';
  readonly digest: string;
  readonly tag?: string;
  readonly previousDigest?: string;
}

export interface PullEvent {
  readonly type: 'manifest' | 'blob';
  readonly digest: string;
  readonly tag?: string;
  readonly method: 'GET' | 'HEAD';
}

export function toVisit(request: IncomingMessage, who: Pick<Visit, 'identity' | 'actor'>): Visit {
  return {
    identity: who.identity,
    actor: who.actor,
    remoteAddress: request.socket.remoteAddress ?? '',
    userAgent: request.headers['user-agent'] ?? '',
  };
}

export function recordPush(tx: Tx, repository: Repository, visit: Visit, push: PushEvent): void {
  emit(tx, 'dev.chainguard.registry.push.v1', repository, visit, {
    display_name: repository.name,
    ...(push.tag === undefined ? {} : { tag: push.tag }),
    ...(push.previousDigest === undefined ? {} : { tag_previous_digest: push.previousDigest }),
    digest: push.digest,
    type: push.type,
  });
}

const ownVisit: Visit = { identity: undefined, actor: {}, remoteAddress: '', userAgent: 'chainctl local platform' };

/**
 * Moves a tag as the platform itself, which fills a repository from its source or builds a customized image: to whoever
 * listens a push like any other. It is told of behind the call that led to it, which may be what made the repository.
 */
export function pushOwnTag(tx: Tx, repository: Repository, tag: string, digest: string): void {
  const previousDigest = findTag(tx, repository, tag);
  if (previousDigest === digest) return;
  moveTag(tx, repository, tag, digest);
  const previous = previousDigest === undefined ? {} : { previousDigest };
  tx.atEnd(() => recordPush(tx, repository, ownVisit, { type: 'manifest', digest, tag, ...previous }));
}

const pullType = 'dev.chainguard.registry.pull.v1';
/** How many pulls are remembered; whoever wants more of them subscribes. */
const maxPulls = 10_000;
/** Looking for what is too much costs a commit some time, so it is done once for so many pulls. */
const pruneEvery = 1_000;
/** Characters of what a client says of itself. */
const maxUserAgentLength = 256;

/**
 * Returns a function that resolves when the event is on disk. Pulls of one moment share one commit. A platform that is
 * pulled from all day keeps the newest `most` of them, and those that are still on their way to a sink.
 */
export function createPullLog(
  store: Store,
  most = maxPulls,
): (repository: Repository, visit: Visit, pull: PullEvent) => Promise<void> {
  let sincePruned = Number.POSITIVE_INFINITY;
  /** The pulls that the next commit will tell of. */
  let gathering: { readonly pulls: ((tx: Tx) => void)[]; readonly written: Promise<void> } | undefined;
  const gather = (): NonNullable<typeof gathering> => {
    const pulls: ((tx: Tx) => void)[] = [];
    const written = store
      .commit((tx) => {
        gathering = undefined;
        for (const emitPull of pulls) emitPull(tx);
        sincePruned += pulls.length;
        if (sincePruned < Math.min(pruneEvery, most)) return;
        keepNewestOf(tx, pullType, most);
        sincePruned = 0;
      })
      .catch((error: unknown) => {
        // Even when the transaction did not begin.
        gathering = undefined;
        throw error;
      });
    gathering = { pulls, written };
    return gathering;
  };
  return (repository, visit, pull) => {
    const { pulls, written } = gathering ?? gather();
    pulls.push((tx) =>
      emit(tx, pullType, repository, visit, {
        ...(pull.tag === undefined ? {} : { tag: pull.tag }),
        digest: pull.digest,
        method: pull.method,
        type: pull.type,
      }),
    );
    return written;
  };
}

function emit(
  tx: Tx,
  type: string,
  repository: Repository,
  visit: Visit,
  fields: Readonly<Record<string, string>>,
): void {
  // The group it lies in, a folder's too (protocols 11).
  const group = parentOf(repository.id);
  const body = {
    repository: repository.path,
    repo_id: repository.id,
    ...fields,
    when: zonelessTime(tx.now),
    // A loopback platform knows no geography; the field is not optional.
    location: '',
    remote_address: visit.remoteAddress,
    user_agent: visit.userAgent.slice(0, maxUserAgentLength),
  };
  insertEvent(tx, {
    id: randomUUID(),
    type,
    source: 'cgr.dev',
    subject: repository.id,
    group,
    extensions: { group },
    body,
    actor: visit.identity === undefined ? {} : { subject: visit.identity, act: visit.actor },
    audience: 'customer',
  });
}

/** UTC without saying so, six fraction digits (semantics 8.4). */
function zonelessTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, -1)}000`;
}
