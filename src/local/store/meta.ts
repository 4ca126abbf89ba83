import type { Tx } from './database.ts';

/**
 * Facts that a data folder keeps about itself: the `port` it was last served on and the `pid` that did, its `seed`,
 * which later parts of it are done; of `seed.anyone`, the address that it trusts; the key that `registry.token-secret`
 * signs its own tokens with; how organizations were `copied` into it.
 */
export type MetaKey =
  | 'port'
  | 'pid'
  | 'registry.token-secret'
  | 'seed'
  | 'seed.images'
  | 'seed.anyone'
  | `copied.${string}`;

export function readMeta(tx: Tx, key: MetaKey): string | undefined {
  const row = tx.get('SELECT value FROM meta WHERE key = ?', key);
  return row === undefined ? undefined : String(row['value']);
}

export function writeMeta(tx: Tx, key: MetaKey, value: string): void {
  tx.run(
    'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    key,
    value,
  );
}
