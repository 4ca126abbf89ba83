import type { PlatformClock } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';

/** Why an image cannot be built; a sentence for whoever wrote the configuration. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}

/** `2026-03-27T13:55:00Z[INFO]text`, as outputs.md shows build logs. */
export function addToLog(tx: Tx, id: string, clock: PlatformClock, level: string, text: string): void {
  const time = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  tx.run('UPDATE builds SET log = log || ? WHERE id = ?', `${time}[${level}]${text.replaceAll('\n', ' ')}\n`, id);
}
