import type { CommonUIDPFilter } from '../../api/schema/types.gen.ts';
import { ancestry, isAncestor, isAncestorOrSelf, isUidp } from '../../api/uidp.ts';
import { invalidArgument } from '../failures.ts';
import type { SqlRow, SqlValue, Tx } from '../store/database.ts';

/** Tables whose `id` is a UIDP, and the column that holds the parent of that id. */
const containers = {
  groups: 'parent',
  identities: 'parent',
  roles: 'parent',
  role_bindings: 'group_id',
  group_invites: 'group_id',
  identity_providers: 'parent',
  external_group_role_mappings: 'identity_provider',
  subscriptions: 'parent',
  account_associations: 'parent',
} as const;

/** An account association is named by its group. */
const sources: { readonly [Table in keyof typeof containers]?: string } = {
  account_associations: `(SELECT a.*, a.group_id AS id, g.parent
     FROM account_associations a JOIN groups g ON g.id = a.group_id)`,
};

export interface Selection {
  readonly table: keyof typeof containers;
  /** Ids at and below which rows may be shown, ascending, none inside another (`groupsWith`). */
  readonly visible: readonly string[];
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly uidp?: CommonUIDPFilter | undefined;
  /** What other columns must be; undefined for whatever it is. */
  readonly also?: Readonly<Record<string, string | undefined>>;
}

/**
 * The rows a list shows, by ascending id, with all columns or the ones that are named. All conditions hold together and
 * no node is inside itself (semantics 12).
 */
export function selectVisible(tx: Tx, selection: Selection, columns: readonly string[] = ['*']): SqlRow[] {
  const { sql, values } = conditions(selection);
  const within = optionalUidp('uidp.descendants_of', selection.uidp?.descendantsOf);
  const source = sources[selection.table] ?? selection.table;
  return selection.visible.flatMap((place) => {
    const range = rangeOf(place, within);
    if (range === undefined) return [];
    return tx.all(
      `SELECT ${columns.join(', ')} FROM ${source} WHERE id >= ? AND id < ?${sql} ORDER BY id`,
      ...range,
      ...values,
    );
  });
}

/** The rows with these ids, in the order of the ids. */
export function readSelected(tx: Tx, { table }: Selection, ids: readonly string[]): SqlRow[] {
  const isOneOf = 'id IN (SELECT value FROM json_each(?))';
  const rows = tx.all(`SELECT * FROM ${sources[table] ?? table} WHERE ${isOneOf}`, JSON.stringify(ids));
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

function conditions({ table, id, name, uidp, also = {} }: Selection): { sql: string; values: SqlValue[] } {
  let sql = '';
  const values: SqlValue[] = [];
  const add = (condition: string, ...bound: SqlValue[]): void => {
    sql += ` AND ${condition}`;
    values.push(...bound);
  };
  const isOneOf = 'id IN (SELECT value FROM json_each(?))';

  const wanted = optionalUidp('id', id);
  if (wanted !== undefined) add('id = ?', wanted);
  if (name !== undefined && name !== '') add('name = ?', name);
  const container = optionalUidp('uidp.children_of', uidp?.childrenOf);
  if (container !== undefined) add(`${containers[table]} = ?`, container);
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

/** Ids at or below `place` that are also strictly below `within`, as a half-open range: `0` follows `/` in ASCII. */
function rangeOf(place: string, within: string | undefined): [string, string] | undefined {
  if (within === undefined || isAncestor(within, place)) return [place, `${place}0`];
  if (isAncestorOrSelf(place, within)) return [`${within}/`, `${within}0`];
  return undefined;
}
