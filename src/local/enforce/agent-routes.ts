// Ours: what agents of clusters and the platform say to each other. How the product's own did is not public (enforce.md 1.4).
// Each path takes the token of the cluster's own identity, for the API or for audience gulfstream, which needs `gulfstream` there.
//
//   GET  /local/enforce/v1/clusters                      the clusters that the caller reports for
//   GET  /local/enforce/v1/clusters/<UIDP>/policies      what counts there: documents, profiles and options
//   POST /local/enforce/v1/clusters/<UIDP>/report        one numbered report; see reports.ts
//   GET  /local/enforce/v1/clusters/<UIDP>/login?registry=HOST
//                                                        a login for a registry of the group's cloud, or a reason why not

import type { IncomingMessage, ServerResponse } from 'node:http';
import { grpcCodes } from '../../api/status.ts';
import { ancestry, parentOf } from '../../api/uidp.ts';
import { cloudOf } from '../../enforce/policy/cloud-registries.ts';
import { requireCapabilities } from '../authorization/access.ts';
import { requireLiveIdentity } from '../authorization/live-identity.ts';
import { invalidArgument, notFound } from '../core/failures.ts';
import { type Caller, type HttpHandler, type PlatformClock, type PlatformUrls, StatusError } from '../core/types.ts';
import { sendJson } from '../http/answers.ts';
import { authenticate } from '../http/credentials.ts';
import { readText } from '../http/request-body.ts';
import { findAssociations } from '../iam/account-associations.ts';
import type { CloudAddresses } from '../iam/clouds/addresses.ts';
import type { SqlRow, Store, Tx } from '../store/database.ts';
import { factsOf, findCluster } from './clusters.ts';
import { effectivePolicies } from './policies.ts';
import { applyReport, readReport } from './reports.ts';

export interface AgentRoutesOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  /** Throws StatusError UNAUTHENTICATED. */
  readonly verifyAccessToken: (token: string) => Promise<Caller>;
  readonly clock: PlatformClock;
  readonly clouds: CloudAddresses;
  readonly signImpersonation: (subject: string, audience: string) => Promise<string>;
}

const base = '/local/enforce/v1/clusters';
/** Bytes. Agents cut their reports smaller. */
const maxReportBytes = 8 * 1024 * 1024;

export function createAgentRoutes(options: AgentRoutesOptions): HttpHandler {
  const { store, urls, verifyAccessToken } = options;
  const answer = async (request: IncomingMessage, url: URL): Promise<object | undefined> => {
    const [, id, what] =
      /^\/local\/enforce\/v1\/clusters(?:\/(.+)\/(policies|report|login))?$/.exec(url.pathname) ?? [];
    if (url.pathname !== base && id === undefined) return undefined;
    if (request.method !== (what === 'report' ? 'POST' : 'GET')) {
      throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
    }
    const caller = await authenticate(request.headers.authorization, [urls.api, 'gulfstream'], verifyAccessToken);
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
    if (what === 'login') return cloudLogin(options, caller, id, url.searchParams.get('registry') ?? '');
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

/** Through the association of the cluster's group, or of the nearest one above it that has one for that cloud. */
async function cloudLogin(
  { store, clouds, clock, signImpersonation }: AgentRoutesOptions,
  caller: Caller,
  id: string,
  registry: string,
): Promise<object> {
  const { registryLogin } = await import('../iam/clouds/registry-login.ts');
  const cloud = cloudOf(registry);
  const found = store.read((tx) => {
    ownCluster(tx, caller, id);
    const associations = ancestry(parentOf(id)).flatMap((group) => {
      const association = findAssociations(tx, group);
      return association === undefined ? [] : [{ group, association }];
    });
    return associations.find(({ association: { amazon, google } }) =>
      cloud?.kind === 'ecr' ? amazon !== undefined : google !== undefined,
    );
  });
  if (cloud === undefined) return { reason: 'that is no registry of AWS or Google Cloud' };
  if (found === undefined) return { reason: 'no account of that cloud is associated with the group of the cluster' };
  const { group, association } = found;
  return registryLogin(clouds, signImpersonation, clock.now(), group, association, cloud);
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
