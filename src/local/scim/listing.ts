// Pages of resources (RFC 7644, 3.4.2). Guarantees: filters on what is indexed do not read every row.

import type { SqlRow, Tx } from '../store/database.ts';
import { matches, type ScimObject } from './matching.ts';
import { type Filter, parseFilter } from './paths.ts';
import type { ResourceType } from './schema.ts';
import { badRequest } from './scim-error.ts';

export interface Page {
  /** Of all that match. */
  readonly total: number;
  /** 1 for the first. */
  readonly startIndex: number;
  readonly rows: readonly SqlRow[];
}

export interface Table {
  readonly name: 'scim_users' | 'scim_groups';
  readonly type: ResourceType;
  /** Columns that hold an attribute, by its name. */
  readonly columns: Readonly<Record<string, string>>;
  /** Returns what filters look at. */
  toFilterable(tx: Tx, row: SqlRow): ScimObject;
}

const defaultCount = 100;
/** Also in ServiceProviderConfig. */
export const maxResults = 200;

export function selectPage(tx: Tx, provider: string, table: Table, query: URLSearchParams): Page {
  const startIndex = Math.max(1, integerIn(query, 'startIndex') ?? 1);
  const count = Math.min(Math.max(0, integerIn(query, 'count') ?? defaultCount), maxResults);
  const text = query.get('filter');
  const filter = text === null || text.trim() === '' ? undefined : parseFilter(table.type, text);
  const column = filter === undefined ? undefined : indexedColumn(table, filter);
  if (filter === undefined) {
    const total = tx.get(`SELECT COUNT(*) AS total FROM ${table.name} WHERE identity_provider = ?`, provider);
    const rows = tx.all(
      `SELECT * FROM ${table.name} WHERE identity_provider = ? ORDER BY seq LIMIT ? OFFSET ?`,
      provider,
      count,
      startIndex - 1,
    );
    return { total: Number(total?.['total']), startIndex, rows };
  }
  const candidates =
    column === undefined
      ? tx.iterate(`SELECT * FROM ${table.name} WHERE identity_provider = ? ORDER BY seq`, provider)
      : tx.all(
          `SELECT * FROM ${table.name} WHERE identity_provider = ? AND ${column.name} = ?`,
          provider,
          column.value,
        );
  const rows: SqlRow[] = [];
  let total = 0;
  for (const row of candidates) {
    if (column === undefined && !matches(filter, table.toFilterable(tx, row))) continue;
    total += 1;
    if (total >= startIndex && rows.length < count) rows.push(row);
  }
  return { total, startIndex, rows };
}

function indexedColumn(table: Table, filter: Filter): { name: string; value: string } | undefined {
  if (filter.kind !== 'compare' || filter.op !== 'eq' || typeof filter.value !== 'string') return undefined;
  const { attribute, sub, extension } = filter.path;
  const name = sub === undefined && extension === undefined ? table.columns[attribute.name] : undefined;
  return name === undefined ? undefined : { name, value: filter.value };
}

export function integerIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d{1,9}$/.test(text)) throw badRequest('invalidValue', `${name} must be a whole number`);
  return Number(text);
}
