// Ours: what agents of clusters and the platform say to each other. How the product's own did is not public (enforce.md 1.4).
// Each path takes the token of the cluster's own identity, which needs `gulfstream` there.
//
//   GET  /local/enforce/v1/clusters                      the clusters that the caller reports for
//   GET  /local/enforce/v1/clusters/<UIDP>/policies      what counts there: documents, profiles and options
//   POST /local/enforce/v1/clusters/<UIDP>/report        one numbered report; see reports.ts

import type { IncomingMessage, ServerResponse } from 'node:http';
import { grpcCodes } from '../../api/status.ts';
import { requireCapabilities } from '../authorization/access.ts';
import { requireLiveIdentity } from '../authorization/live-identity.ts';
import { invalidArgument, notFound } from '../core/failures.ts';
import { type Caller, type HttpHandler, type PlatformUrls, StatusError } from '../core/types.ts';
import { sendJson } from '../http/answers.ts';
import { authenticate } from '../http/credentials.ts';
import { readText } from '../http/request-body.ts';
import type { SqlRow, Store, Tx } from '../store/database.ts';
import { factsOf, findCluster } from './clusters.ts';
import { effectivePolicies } from './policies.ts';
import { applyReport, readReport } from './reports.ts';

export interface AgentRoutesOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  /** Throws StatusError UNAUTHENTICATED. */
  readonly verifyAccessToken: (token: string) => Promise<Caller>;
}

const base = '/local/enforce/v1/clusters';
/** Bytes. Agents cut their reports smaller. */
const maxReportBytes = 8 * 1024 * 1024;

export function createAgentRoutes({ store, urls, verifyAccessToken }: AgentRoutesOptions): HttpHandler {
  const answer = async (request: IncomingMessage, url: URL): Promise<object | undefined> => {
    const [, id, what] = /^\/local\/enforce\/v1\/clusters(?:\/(.+)\/(policies|report))?$/.exec(url.pathname) ?? [];
    if (url.pathname !== base && id === undefined) return undefined;
    if (request.method !== (what === 'report' ? 'POST' : 'GET')) {
      throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
    }
    const caller = await authenticate(request.headers.authorization, [urls.api], verifyAccessToken);
    if (id === undefined || what === undefined) return store.read((tx) => ({ clusters: clustersOf(tx, caller) }));
    if (what === 'policies') {
      return store.read((tx) => {
        const row = ownCluster(tx, caller, id);
        const { profiles = [], enforcerOptions = {} } = factsOf(row);
        const policies = effectivePolicies(tx, id).map(({ id: policy, name, document, enforcedVersion }) => ({
          id: policy,
          name,
          version: enforcedVersion?.id,
          document,
        }));
        return { profiles, enforcerOptions, policies };
      });
    }
    const report = readReport(parse(await readText(request, maxReportBytes)));
    return store.transact((tx) => applyReport(tx, ownCluster(tx, caller, id), report, caller, urls.api));
  };
  return {
    async handle(request: IncomingMessage, response: ServerResponse, url) {
      const body = await answer(request, url);
      if (body === undefined) return false;
      sendJson(response, 200, JSON.stringify(body));
      return true;
    },
  };
}

function clustersOf(tx: Tx, caller: Caller): object[] {
  requireLiveIdentity(tx, caller);
  return tx
    .all('SELECT id, remote_id, name FROM enforce_clusters WHERE identity = ? ORDER BY id', caller.identity)
    .map((row) => ({ id: row['id'], remoteId: row['remote_id'], name: row['name'] }));
}

/** Throws NOT_FOUND for a cluster of somebody else, whatever the caller may do there. */
function ownCluster(tx: Tx, caller: Caller, id: string): SqlRow {
  requireLiveIdentity(tx, caller);
  const row = findCluster(tx, id);
  if (row['identity'] !== caller.identity) throw notFound(`${id} not found`);
  requireCapabilities(tx, caller, ['gulfstream'], id);
  return row;
}

function parse(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? '');
  } catch {
    throw invalidArgument('the report is no JSON');
  }
}
