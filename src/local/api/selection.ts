import type { CommonUIDPFilter } from '../../api/schema/types/common.gen.ts';
import { ancestry, isAncestor, isAncestorOrSelf, isUidp } from '../../api/uidp.ts';
import { invalidArgument } from '../core/failures.ts';
import type { SqlRow, SqlValue, Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';

/** A table whose `id` is a UIDP. */
export interface Resource {
  readonly table: string;
  /** The column that holds the parent of that id. */
  readonly parent: string;
  /** SQL that stands in for the table after FROM, where rows have no id of their own. */
  readonly source?: string;
}

export interface Selection {
  readonly resource: Resource;
  /** Ids at and below which rows may be shown, ascending, none inside another (`groupsWith`). */
  readonly visible: readonly string[];
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly uidp?: CommonUIDPFilter | undefined;
  /** The columns to read, `id` among them; all without it. Reading them takes most of the time of a long list. */
  readonly columns?: readonly string[];
  /** Values that other columns must have; undefined for any value. */
  readonly also?: Readonly<Record<string, string | undefined>>;
}

/**
 * A stretch of a long list, so that others are answered between two of them. Each is read in a transaction of its own:
 * what changes meanwhile shows behind the last id, or not at all. A list that knows no parts ignores it and is whole.
 */
export interface Part {
  /** How many rows to read. */
  readonly most: number;
  /** The id to go on behind; undefined for the first part. */
  readonly after: string | undefined;
  /** Set by the list: the last id that was looked at, when there may be more. */
  next: string | undefined;
}

/** Options of a list besides its request. */
export interface ListContext {
  /** Only this much of it is wanted at once. */
  readonly part?: Part | undefined;
}

/**
 * The rows a list shows, by ascending id, or those of one part. All conditions hold together and no node is inside
 * itself (semantics 12).
 */
export function selectVisible(tx: Tx, selection: Selection, part?: Part): SqlRow[] {
  const { sql, values } = conditions(selection);
  const from = `SELECT ${selection.columns?.join(', ') ?? '*'} FROM ${sourceOf(selection)} WHERE`;
  if (part === undefined) {
    return rangesOf(selection).flatMap((range) =>
      tx.all(`${from} id >= ? AND id < ?${sql} ORDER BY id`, ...range, ...values),
    );
  }
  const names = selection.columns ?? columnsOf(tx, selection.resource);
  const { most, after } = part;
  const rows: SqlRow[] = [];
  const ranges = after === undefined ? rangesOf(selection) : beyond(rangesOf(selection), after, 'ASC');
  for (const [low, high] of ranges) {
    const isBehind = low === after ? '>' : '>=';
    const left = most - rows.length;
    const query = `${from} id ${isBehind} ? AND id < ?${sql} ORDER BY id LIMIT ?`;
    rows.push(...readPacked(tx, selection.resource, names, query, [low, high, ...values, left]));
    if (rows.length === most) {
      part.next = String(rows.at(-1)?.['id']);
      break;
    }
  }
  return rows;
}

/**
 * Rows as one text that SQLite has made of them: building an object of each, column by column, takes the drivers most
 * of the time of a long list. For tables without blobs.
 */
function readPacked(
  tx: Tx,
  resource: Resource,
  names: readonly string[],
  query: string,
  values: readonly SqlValue[],
): SqlRow[] {
  const read = (): SqlValue[][] => {
    const list = names.map((name) => `"${name}"`).join(', ');
    const packed = tx.get(`SELECT json_group_array(json_array(${list})) AS rows FROM (${query})`, ...values);
    return JSON.parse(String(packed?.['rows'])) as SqlValue[][];
  };
  const memory = resource.source === undefined ? shortLists(resource.table) : undefined;
  const rows = memory === undefined ? read() : tx.recall(memory, `${query} ${JSON.stringify(values)}`, read);
  return rows.map((row) => {
    const named: SqlRow = {};
    for (let at = 0; at < names.length; at += 1) named[names[at] as string] = row[at] as SqlValue;
    return named;
  });
}

/** Rows of a list that is remembered. */
const maxRemembered = 50;
const memories = new Map<string, Memory<SqlValue[][]>>();

/** Programs ask for the same short list over and over; a long one is not kept. */
function shortLists(table: string): Memory<SqlValue[][]> {
  let memory = memories.get(table);
  if (memory === undefined) {
    const until = (rows: SqlValue[][]) => (rows.length > maxRemembered ? 0 : Number.POSITIVE_INFINITY);
    memory = { tables: [table], most: 100, until };
    memories.set(table, memory);
  }
  return memory;
}

const columns = new Map<string, readonly string[]>();

/** Columns do not change while a platform runs: migrations are done before. */
function columnsOf(tx: Tx, { table, source }: Resource): readonly string[] {
  const known = columns.get(table);
  if (known !== undefined) return known;
  const own = tx.all('SELECT name FROM pragma_table_info(?)', table).map((row) => String(row['name']));
  // Columns that a source adds to its table's.
  const all = source === undefined ? own : [...own, 'id', 'parent'];
  columns.set(table, all);
  return all;
}

export interface Cut {
  readonly column: string;
  readonly direction: 'ASC' | 'DESC';
  /** Of the row before the first: what the column holds, and the id, which decides between equals. */
  readonly after: readonly [value: string | number, id: string] | undefined;
  readonly skip: number;
  readonly count: number;
}

/** The same rows in the order of a column: how many there are in all, and `id` and column of those that are cut out. */
export function cutVisible(tx: Tx, selection: Selection, cut: Cut): { total: number; keys: SqlRow[] } {
  const { column, direction, after, skip, count } = cut;
  const ranges = rangesOf(selection);
  const [all, bound] = within(selection, ranges);
  const total = Number(tx.get(`SELECT COUNT(*) AS total FROM ${all}`, ...bound)?.['total']);
  // In the order of the ids a page is a stretch of their index: what comes before it is not even looked at.
  const rest = after !== undefined && column === 'id' ? beyond(ranges, after[1], direction) : ranges;
  const [from, values] = within(selection, rest);
  const isFurther = `(${column} ${direction === 'ASC' ? '>' : '<'} ? OR ${column} = ? AND id > ?)`;
  const [further, last]: [string, SqlValue[]] =
    after === undefined
      ? ['', []]
      : column === 'id'
        ? [' AND id <> ?', [after[1]]]
        : [` AND ${isFurther}`, [after[0], ...after]];
  const names = column === 'id' ? 'id' : `id, ${column}`;
  const keys = tx.all(
    `SELECT ${names} FROM ${from}${further} ORDER BY ${column} ${direction}, id LIMIT ? OFFSET ?`,
    ...values,
    ...last,
    count,
    skip,
  );
  return { total, keys };
}

/** The rows with these ids, in the order of the ids. */
export function readSelected(tx: Tx, selection: Selection, ids: readonly string[]): SqlRow[] {
  const rows = tx.all(`SELECT * FROM ${sourceOf(selection)} WHERE ${isOneOf}`, JSON.stringify(ids));
  const byId = new Map(rows.map((row) => [row['id'], row]));
  return ids.map((id) => byId.get(id)).filter((row) => row !== undefined);
}

/** Throws INVALID_ARGUMENT unless the text is empty or a UIDP; empty counts as not given. */
export function optionalUidp(field: string, text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  return requiredUidp(field, text);
}

/** Throws INVALID_ARGUMENT unless the text is a UIDP. `field` is the proto path of the request field. */
export function requiredUidp(field: string, text: string | undefined): string {
  if (text === undefined || text === '') throw invalidArgument(`${field} is required`);
  if (!isUidp(text)) throw invalidArgument(`${field}: ${JSON.stringify(text)} is not a UIDP`);
  return text;
}

const isOneOf = 'id IN (SELECT value FROM json_each(?))';

const sourceOf = ({ resource }: Selection): string => resource.source ?? resource.table;

function conditions({ resource, id, name, uidp, also = {} }: Selection): { sql: string; values: SqlValue[] } {
  let sql = '';
  const values: SqlValue[] = [];
  const add = (condition: string, ...bound: SqlValue[]): void => {
    sql += ` AND ${condition}`;
    values.push(...bound);
  };

  const wanted = optionalUidp('id', id);
  if (wanted !== undefined) add('id = ?', wanted);
  if (name !== undefined && name !== '') add('name = ?', name);
  const container = optionalUidp('uidp.children_of', uidp?.childrenOf);
  if (container !== undefined) add(`${resource.parent} = ?`, container);
  const inside = optionalUidp('uidp.ancestors_of', uidp?.ancestorsOf);
  if (inside !== undefined) add(isOneOf, JSON.stringify(ancestry(inside).slice(1)));
  if (uidp?.inRoot === true) add("instr(id, '/') = 0");
  if (uidp?.ids !== undefined && uidp.ids.length > 0) {
    for (const one of uidp.ids) requiredUidp('uidp.ids', one);
    add(isOneOf, JSON.stringify(uidp.ids));
  }
  for (const [column, value] of Object.entries(also)) if (value !== undefined) add(`${column} = ?`, value);
  return { sql, values };
}

/** Returns where the rows are, in ascending order. */
function rangesOf({ visible, uidp }: Selection): Range[] {
  const inside = optionalUidp('uidp.descendants_of', uidp?.descendantsOf);
  return visible.map((place) => rangeOf(place, inside)).filter((range) => range !== undefined);
}

type Range = readonly [low: string, high: string];

function beyond(ranges: readonly Range[], id: string, direction: Cut['direction']): Range[] {
  return ranges
    .map(([low, high]): Range => (direction === 'ASC' ? [low > id ? low : id, high] : [low, high < id ? high : id]))
    .filter(([low, high]) => low < high);
}

/** The rows of a selection that lie in these ranges, as it stands after FROM, and what is bound there. */
function within(selection: Selection, ranges: readonly Range[]): [sql: string, values: SqlValue[]] {
  const { sql, values } = conditions(selection);
  const [only = ['', '']] = ranges;
  if (ranges.length < 2) return [`${sourceOf(selection)} WHERE id >= ? AND id < ?${sql}`, [...only, ...values]];
  const stretches = `(SELECT json_extract(value, '$[0]') AS low, json_extract(value, '$[1]') AS high FROM json_each(?))`;
  return [
    `${stretches} CROSS JOIN ${sourceOf(selection)} WHERE id >= low AND id < high${sql}`,
    [JSON.stringify(ranges), ...values],
  ];
}

/** Ids at or below `place` that are also strictly below `within`, as a half-open range: `0` follows `/` in ASCII. */
function rangeOf(place: string, within: string | undefined): Range | undefined {
  if (within === undefined || isAncestor(within, place)) return [place, `${place}0`];
  if (isAncestorOrSelf(place, within)) return [`${within}/`, `${within}0`];
  return undefined;
}
