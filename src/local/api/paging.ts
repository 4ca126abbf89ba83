import { invalidArgument } from '../core/failures.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { cutVisible, readSelected, type Selection } from './selection.ts';

const defaultSize = 50;
const maxPageSize = 200;
/** Of int32, which `skipped` is. */
const maxCount = 2 ** 31 - 1;
const tokenLife = 3 * 24 * 60 * 60 * 1000;

export interface PageRequest {
  readonly pageSize?: number | string | undefined;
  readonly pageToken?: string | undefined;
  readonly skip?: number | undefined;
}

export interface PageOf<T> {
  readonly items: readonly T[];
  /** Empty at the end. */
  readonly nextPageToken: string;
  readonly totalCount: string;
  /** Items passed over so far, skipped ones and earlier pages' skips. */
  readonly skipped: number;
}

/** Sort key of an item, and its id, which decides between equals. */
type SortKey = readonly [value: string | number, id: string];

/**
 * One page of a list that is in ascending order of `keyOf` (semantics 6). Tokens hold the key of the last item, so that
 * what comes or goes between two pages neither repeats nor hides others. One that cannot be read, is for another order
 * or older than three days starts over.
 */
export function pageOf<T>(tx: Tx, all: readonly T[], keyOf: (item: T) => string, request: PageRequest): PageOf<T> {
  return cutPage(tx, all, (item) => [keyOf(item), keyOf(item)], compareKeys(1), '', request);
}

/** Sort keys of a list: the name in `order_by`, which equals the stored field's, and the column. */
export type OrderColumns = Readonly<Record<string, string>>;

/** Sort keys of most tables. */
export const resourceColumns: OrderColumns = {
  uid: 'id',
  name: 'name',
  created_at: 'created_at',
  updated_at: 'updated_at',
};

type OrderedRequest = PageRequest & { readonly orderBy?: string | undefined };

/** The same of rows with an `id`, in the order that `order_by` asks for: `field`, `field asc` or `field desc`. */
export function pageOfRows(
  tx: Tx,
  rows: readonly SqlRow[],
  request: OrderedRequest,
  columns: OrderColumns,
  defaultOrder?: string,
): PageOf<SqlRow> {
  return pageInOrder(tx, rows, request, orderOf(request, columns, defaultOrder));
}

/**
 * The same of what a caller may see. A list may be long and its pages many: only the rows of the page are read whole.
 */
export function pageOfSelection(
  tx: Tx,
  selection: Selection,
  request: OrderedRequest,
  columns: OrderColumns,
  defaultOrder?: string,
): PageOf<SqlRow> {
  const order = orderOf(request, columns, defaultOrder);
  const window = windowOf(tx, order.text, request);
  const { total, keys } = cutVisible(tx, selection, {
    column: order.column,
    direction: order.direction === 1 ? 'ASC' : 'DESC',
    after: window.after,
    skip: window.skip,
    // One more tells whether there is a next page.
    count: window.size + 1,
  });
  const shown = keys.slice(0, window.size);
  const ids = shown.map((row) => String(row['id']));
  const last = keys.length > window.size ? shown.at(-1) : undefined;
  return { items: readSelected(tx, selection, ids), ...toPage(window, total, last && keyIn(order.column)(last)) };
}

interface Order {
  readonly column: string;
  readonly direction: 1 | -1;
  /** For comparing with that of a page token. */
  readonly text: string;
}

function orderOf({ orderBy = '' }: OrderedRequest, columns: OrderColumns, defaultOrder = 'uid asc'): Order {
  const wanted = orderBy.trim() === '' ? defaultOrder : orderBy.trim();
  const [, field = '', direction = 'asc'] = /^(\w+)(?:\s+(asc|desc))?$/i.exec(wanted) ?? [];
  if (!Object.hasOwn(columns, field)) {
    const known = Object.keys(columns).join(', ');
    throw invalidArgument(`order_by: ${JSON.stringify(wanted)} is not one of ${known}, with or without asc or desc`);
  }
  const isDown = direction.toLowerCase() === 'desc';
  return { column: columns[field] ?? 'id', direction: isDown ? -1 : 1, text: `${field} ${isDown ? 'desc' : 'asc'}` };
}

function pageInOrder(
  tx: Tx,
  rows: readonly SqlRow[],
  request: PageRequest,
  { column, direction, text }: Order,
): PageOf<SqlRow> {
  const keyOf = keyIn(column);
  const compare = compareKeys(direction);
  const sorted = rows.toSorted((a, b) => compare(keyOf(a), keyOf(b)));
  return cutPage(tx, sorted, keyOf, compare, text, request);
}

function keyIn(column: string): (row: SqlRow) => SortKey {
  return (row) => {
    const value = row[column];
    return [typeof value === 'number' ? value : String(value), String(row['id'])];
  };
}

function cutPage<T>(
  tx: Tx,
  all: readonly T[],
  keyOf: (item: T) => SortKey,
  compare: (a: SortKey, b: SortKey) => number,
  order: string,
  request: PageRequest,
): PageOf<T> {
  const window = windowOf(tx, order, request);
  const { after, skip, size } = window;
  const start = after === undefined ? 0 : all.findIndex((item) => compare(keyOf(item), after) > 0);
  const from = start < 0 ? all.length : start + skip;
  const items = all.slice(from, from + size);
  const last = items.at(-1);
  const isEnd = last === undefined || from + size >= all.length;
  return { items, ...toPage(window, all.length, isEnd ? undefined : keyOf(last)) };
}

/** Page that a request asks for, in this order. */
interface Window {
  readonly order: string;
  readonly size: number;
  readonly skip: number;
  /** The last of the page before. */
  readonly after: SortKey | undefined;
  readonly skipped: number;
  readonly madeAt: number;
}

function windowOf(tx: Tx, order: string, request: PageRequest): Window {
  const size = sizeOf(request.pageSize);
  const skip = request.skip ?? 0;
  if (skip < 0) throw invalidArgument('skip must not be negative');
  const token = readToken(request.pageToken, order, tx.now);
  const skipped = Math.min((token?.skipped ?? 0) + skip, maxCount);
  return { order, size, skip, after: token?.last, skipped, madeAt: tx.now };
}

/** `last` is the key of the last item of a page that has a next one. */
function toPage(window: Window, total: number, last: SortKey | undefined): Omit<PageOf<never>, 'items'> {
  const { skipped, order, madeAt } = window;
  const next = last === undefined ? undefined : ({ last, skipped, order, madeAt } satisfies PageToken);
  return {
    nextPageToken: next === undefined ? '' : Buffer.from(JSON.stringify(next)).toString('base64url'),
    totalCount: String(total),
    skipped,
  };
}

function compareKeys(direction: 1 | -1): (a: SortKey, b: SortKey) => number {
  const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);
  return (a, b) => compare(a[0], b[0]) * direction || compare(a[1], b[1]);
}

function sizeOf(text: number | string | undefined): number {
  const size = Number(text ?? 0);
  if (size < 0) throw invalidArgument('page_size must not be negative');
  return size === 0 ? defaultSize : Math.min(size, maxPageSize);
}

interface PageToken {
  readonly last: SortKey;
  readonly skipped: number;
  readonly order: string;
  readonly madeAt: number;
}

function readToken(text: string | undefined, order: string, now: number): PageToken | undefined {
  if (text === undefined || text === '') return undefined;
  let token: Partial<PageToken>;
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<PageToken>;
  } catch {
    return undefined;
  }
  const { last, skipped, madeAt } = token ?? {};
  const isKey = Array.isArray(last) && /^(?:string|number)$/.test(typeof last[0]) && typeof last[1] === 'string';
  if (!isKey || !isCount(skipped) || typeof madeAt !== 'number' || token.order !== order) return undefined;
  return madeAt + tokenLife < now ? undefined : { last, skipped, order, madeAt };
}

/** Tokens come back from callers, who may have written them. */
function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maxCount;
}
