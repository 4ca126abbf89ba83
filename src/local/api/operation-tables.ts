import { lazily } from '../core/lazily.ts';
import type { Opened, OperationTable } from '../core/module.ts';

export interface OperationTables {
  /** Returns what does this operation, loaded at the first call of its table. Undefined for what no module does. */
  find(id: string): Promise<{ readonly kind: 'handler' | 'prepared'; readonly handler: unknown } | undefined>;
}

/** Throws for a prefix or an operation of two modules. */
export function createOperationTables(
  tables: readonly OperationTable[],
  prepared: readonly NonNullable<Opened['prepared']>[],
): OperationTables {
  const sorted = [...tables].sort((a, b) => b.prefix.length - a.prefix.length);
  requireDistinct(sorted.map(({ prefix }) => prefix));
  requireDistinct(prepared.flatMap(({ ids }) => ids));
  const handlers = sorted.map(({ prefix, load }) => ({ prefix, load: lazily(load) }));
  const preparing = prepared.map(({ ids, load }) => ({ ids: new Set(ids), load: lazily(load) }));
  return {
    async find(id) {
      const before = preparing.find(({ ids }) => ids.has(id));
      if (before !== undefined) {
        const table: Readonly<Record<string, unknown>> = await before.load();
        return { kind: 'prepared', handler: table[id] };
      }
      const own = handlers.find(({ prefix }) => id.startsWith(prefix));
      const table: Readonly<Record<string, unknown>> = own === undefined ? {} : (await own.load()).handlers;
      return table[id] === undefined ? undefined : { kind: 'handler', handler: table[id] };
    },
  };
}

function requireDistinct(names: readonly string[]): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new TypeError(`two modules have ${twice}`);
}
