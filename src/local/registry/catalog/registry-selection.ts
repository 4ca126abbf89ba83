// Selects the repositories and tags that lists may show. Guarantees: rows at and below places where the caller has the
// capability; public ones besides, but only to whoever names them or a place above them, so that a plain list is one's
// own.

import type { CommonUIDPFilter } from '../../../api/schema/types/common.gen.ts';
import { ancestry, isAncestor, isAncestorOrSelf } from '../../../api/uidp.ts';
import { optionalUidp, type Part, requiredUidp } from '../../api/selection.ts';
import { groupsWith } from '../../authorization/access.ts';
import type { Caller } from '../../core/types.ts';
import type { SqlRow, SqlValue, Tx } from '../../store/database.ts';

export interface RegistrySelection {
  readonly capability: 'repo.list' | 'tag.list' | 'build_report.list' | 'vuln_report.list';
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly uidp?: CommonUIDPFilter | undefined;
  /** Further conditions on the table's columns, with their values. */
  readonly also?: readonly Condition[];
}

export type Condition = readonly [sql: string, ...values: SqlValue[]];

/** Repositories by ascending id. */
export function selectRepos(tx: Tx, caller: Caller, selection: RegistrySelection, part?: Part): SqlRow[] {
  const columns = { from: 'SELECT r.* FROM repos r WHERE', id: 'r.id', parent: 'r.parent', name: 'r.name' };
  return select(tx, caller, selection, columns, part);
}

/** Tags by ascending id. Their columns are those of table `tags`, with `public` of their repository. */
export function selectTags(tx: Tx, caller: Caller, selection: RegistrySelection, part?: Part): SqlRow[] {
  const from = 'SELECT t.*, r.public FROM tags t JOIN repos r ON r.id = t.repo WHERE';
  return select(tx, caller, selection, { from, id: 't.id', parent: 't.repo', name: 't.name' }, part);
}

/** Builds that have begun, the newest first. */
export function selectBuilds(
  tx: Tx,
  caller: Caller,
  selection: Omit<RegistrySelection, 'name' | 'capability'>,
): SqlRow[] {
  const rows = select(
    tx,
    caller,
    { ...selection, capability: 'build_report.list' },
    {
      from: 'SELECT b.* FROM builds b JOIN repos r ON r.id = b.repo WHERE b.started_at IS NOT NULL AND',
      id: 'b.id',
      parent: 'b.repo',
      name: 'b.id',
    },
  );
  return rows.sort(
    (a, b) => Number(b['started_at']) - Number(a['started_at']) || (String(a['id']) < String(b['id']) ? -1 : 1),
  );
}

interface Columns {
  readonly from: string;
  readonly id: string;
  readonly parent: string;
  readonly name: string;
}

function select(tx: Tx, caller: Caller, selection: RegistrySelection, columns: Columns, part?: Part): SqlRow[] {
  const { uidp, capability, also = [] } = selection;
  const conditions: Condition[] = [...also];
  const wanted = optionalUidp('id', selection.id);
  const within = optionalUidp('uidp.descendants_of', uidp?.descendantsOf);
  const container = optionalUidp('uidp.children_of', uidp?.childrenOf);
  const inside = optionalUidp('uidp.ancestors_of', uidp?.ancestorsOf);
  const ids = (uidp?.ids ?? []).map((one) => requiredUidp('uidp.ids', one));
  if (wanted !== undefined) conditions.push([`${columns.id} = ?`, wanted]);
  if (selection.name !== undefined && selection.name !== '') conditions.push([`${columns.name} = ?`, selection.name]);
  if (container !== undefined) conditions.push([`${columns.parent} = ?`, container]);
  if (inside !== undefined) conditions.push([isOneOf(columns.id), JSON.stringify(ancestry(inside).slice(1))]);
  if (ids.length > 0) conditions.push([isOneOf(columns.id), JSON.stringify(ids)]);
  // Repositories and tags always lie in something.
  if (uidp?.inRoot === true) return [];

  if (part?.after !== undefined) conditions.push([`${columns.id} > ?`, part.after]);
  /** Position where the shortest of several cut answers ends: beyond it the others may not be shown yet. */
  let end: string | undefined;
  const query = (...more: Condition[]): SqlRow[] => {
    const all = [...more, ...conditions];
    const where = all.map(([sql]) => sql).join(' AND ');
    const values = all.flatMap(([, ...bound]) => bound);
    const sql = `${columns.from} ${where} ORDER BY ${columns.id}`;
    if (part === undefined) return tx.all(sql, ...values);
    const rows = tx.all(`${sql} LIMIT ?`, ...values, part.most);
    const last = rows.length < part.most ? undefined : String(rows.at(-1)?.['id']);
    if (last !== undefined && (end === undefined || last < end)) end = last;
    return rows;
  };
  const upToEnd = (rows: SqlRow[]): SqlRow[] => {
    if (part === undefined || end === undefined) return rows;
    const bound = end;
    part.next = bound;
    return rows.filter((row) => String(row['id']) <= bound);
  };
  const visible = groupsWith(tx, caller, [capability]);
  const own = visible.flatMap((place) => {
    const range = rangeOf(place, within);
    return range === undefined ? [] : query([`${columns.id} >= ? AND ${columns.id} < ?`, ...range]);
  });
  const named = [wanted, within, container, inside].some((place) => place !== undefined) || ids.length > 0;
  if (!named || capability === 'build_report.list') return upToEnd(own);
  const area: Condition[] =
    within === undefined ? [] : [[`${columns.id} >= ? AND ${columns.id} < ?`, `${within}/`, `${within}0`]];
  const open = query(['r.public = 1'], ...area).filter(
    (row) => !visible.some((place) => isAncestorOrSelf(place, String(row['id']))),
  );
  if (open.length === 0) return upToEnd(own);
  return upToEnd([...own, ...open].sort((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1)));
}

function isOneOf(column: string): string {
  return `${column} IN (SELECT value FROM json_each(?))`;
}

/** Ids at or below `place` that are also strictly below `within`, as a half-open range: `0` follows `/` in ASCII. */
function rangeOf(place: string, within: string | undefined): [string, string] | undefined {
  if (within === undefined || isAncestor(within, place)) return [place, `${place}0`];
  if (isAncestorOrSelf(place, within)) return [`${within}/`, `${within}0`];
  return undefined;
}
