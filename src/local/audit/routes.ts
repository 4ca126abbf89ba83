// Ours, beside the API: what has happened at a place. A reserved path that Chainguard's API does not have, with the same tokens.
// Guarantees: only who may give roles at a place, as its owners may, sees what happened there.
//
//   GET /local/v1/audit?group=<UIDP>[&since=<RFC 3339>][&refused=true][&after=<id>][&page_size=<1–1000>][&page_token=…]
//
// Newest first; with `after`, which is an id seen before or 0, what came behind it, oldest first. The answer is
// `{"items":[{"id","time","kind","operation","identity","who","place","outcome","because","times"}],"nextPageToken","newest"}`.

import { besideOperations } from '../../api/schema/beside.ts';
import { grpcCodes } from '../../api/status.ts';
import { requiredUidp } from '../api/selection.ts';
import { toWireTime } from '../api/wire-time.ts';
import { requireCapabilities } from '../authorization/access.ts';
import { requireLiveIdentity } from '../authorization/live-identity.ts';
import { invalidArgument } from '../core/failures.ts';
import { type Caller, type HttpHandler, type PlatformUrls, StatusError } from '../core/types.ts';
import { sendJson } from '../http/answers.ts';
import { authenticate } from '../http/credentials.ts';
import type { SqlRow, SqlValue, Store, Tx } from '../store/database.ts';

export interface AuditRoutesOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  /** Throws StatusError UNAUTHENTICATED. */
  readonly verifyAccessToken: (token: string) => Promise<Caller>;
  /** Writes what waits. */
  readonly flush: () => void;
}

const defaultPage = 100;
const maxPageSize = 1000;

export function createAuditRoutes({ store, urls, verifyAccessToken, flush }: AuditRoutesOptions): HttpHandler {
  return {
    async handle(request, response, url) {
      if (url.pathname !== '/local/v1/audit') return false;
      if (request.method !== 'GET') throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
      const caller = await authenticate(request.headers.authorization, [urls.api], verifyAccessToken);
      flush();
      sendJson(response, 200, JSON.stringify(store.read((tx) => records(tx, caller, url.searchParams))));
      return true;
    },
  };
}

function records(tx: Tx, caller: Caller, query: URLSearchParams): object {
  const place = requiredUidp('group', query.get('group') ?? '');
  requireLiveIdentity(tx, caller);
  requireCapabilities(tx, caller, besideOperations['local.v1.Audit.List'].capabilities, place);
  const conditions = ['(place = ? OR (place >= ? AND place < ?))'];
  const values: SqlValue[] = [place, `${place}/`, `${place}0`];
  const since = query.get('since') ?? '';
  if (since !== '') {
    const at = Date.parse(since);
    if (Number.isNaN(at)) throw invalidArgument('since must be an RFC 3339 time');
    conditions.push('at >= ?');
    values.push(at);
  }
  if (query.get('refused') === 'true') conditions.push("outcome = 'refused'");
  const after = numberOf(query, 'after');
  const before = numberOf(query, 'page_token');
  if (after !== undefined) {
    conditions.push('id > ?');
    values.push(after);
  }
  if (before !== undefined) {
    conditions.push('id < ?');
    values.push(before);
  }
  const asked = Number(query.get('page_size') ?? '0');
  if (!Number.isInteger(asked) || asked < 0) throw invalidArgument('page_size must be a number that is not negative');
  const size = asked === 0 ? defaultPage : Math.min(asked, maxPageSize);
  const order = after === undefined ? 'DESC' : 'ASC';
  const rows = tx.all(
    `SELECT * FROM audit_records WHERE ${conditions.join(' AND ')} ORDER BY id ${order} LIMIT ?`,
    ...values,
    size + 1,
  );
  const items = rows.slice(0, size).map(toWire);
  const isMore = after === undefined && rows.length > size;
  const newest = tx.get('SELECT COALESCE(MAX(id), 0) AS id FROM audit_records')?.['id'];
  return { items, nextPageToken: isMore ? (items.at(-1)?.id ?? '') : '', newest: String(newest ?? 0) };
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  if (!/^[0-9]{1,15}$/.test(text)) throw invalidArgument(`${name} is not one of this list`);
  return Number(text);
}

const toWire = (row: SqlRow) => ({
  id: String(row['id']),
  time: toWireTime(Number(row['at'])),
  kind: String(row['kind']),
  operation: String(row['operation']),
  ...(row['identity'] === null ? {} : { identity: String(row['identity']) }),
  who: String(row['who']),
  place: String(row['place']),
  outcome: String(row['outcome']),
  because: String(row['because']),
  times: Number(row['times']),
});
