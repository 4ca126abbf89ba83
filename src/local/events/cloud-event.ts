// An event as it leaves the platform: CloudEvents 1.0 in HTTP binary mode (semantics 8.1, protocols 11). Guarantees: the
// same event gives the same bytes each time, and the token speaks of exactly those bytes.

import { createHash } from 'node:crypto';
import type { PlatformClock } from '../core/types.ts';
import { signJwt } from '../keys/jwt.ts';
import { platformKeyOwner, signingKey } from '../keys/signing-keys.ts';
import type { SqlRow, Store } from '../store/database.ts';

/** A row of the outbox. */
export interface StoredEvent {
  readonly seq: number;
  /** UUID. */
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  /** UIDP of the group it happened in; `/` for a deleted organization. */
  readonly group: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body, UTF-8. */
  readonly data: string;
}

/** Seconds; a try takes ten, and clocks differ. */
const tokenLifetime = 300;

export function toStoredEvent(row: SqlRow): StoredEvent {
  const text = (column: string): string => String(row[column]);
  const actor = JSON.parse(text('actor')) as { subject?: string };
  const createdAt = Number(row['created_at']);
  const hasActor = actor.subject !== undefined;
  const extensions = JSON.parse(text('extensions')) as Record<string, string>;
  const attributes = {
    specversion: '1.0',
    id: text('id'),
    type: text('type'),
    source: text('source'),
    ...(text('subject') === '' ? {} : { subject: text('subject') }),
    time: new Date(createdAt).toISOString(),
    audience: text('audience'),
    ...(actor.subject === undefined ? {} : { actor: actor.subject }),
    ...extensions,
  };
  return {
    seq: Number(row['seq']),
    id: text('id'),
    type: text('type'),
    subject: text('subject'),
    group: text('group_id'),
    createdAt,
    headers: {
      ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, headerValue(value)])),
      'content-type': 'application/json',
      'user-agent': 'Chainguard Enforce',
    },
    // Both are compact JSON as it was stored.
    data: hasActor ? `{"actor":${text('actor')},"body":${text('body')}}` : `{"body":${text('body')}}`,
  };
}

export interface WebhookSigner {
  /** A token for one delivery: to whoever listens for `group`, about these bytes. */
  sign(group: string, data: string): Promise<string>;
}

/** Tokens as receivers verify them by discovery (semantics 8.2). */
export function createWebhookSigner(store: Store, issuer: string, clock: PlatformClock): WebhookSigner {
  return {
    async sign(group, data) {
      const now = Math.floor(clock.now() / 1000);
      const digest = createHash('sha256').update(data, 'utf8').digest('hex');
      return signJwt(await signingKey(store, platformKeyOwner), {
        iss: issuer,
        sub: `webhook:${group}`,
        aud: 'customer',
        iat: now,
        exp: now + tokenLifetime,
        webhook: { digest: `sha256:${digest}` },
      });
    },
  };
}

/**
 * Percent-encoded where headers could not carry it: everything but printable ASCII without space, `"` and `%`
 * (CloudEvents HTTP binding 3.1.3.2).
 */
export function headerValue(text: string): string {
  return text.replace(/[^\x21\x23\x24\x26-\x7e]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
