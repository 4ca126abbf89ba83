// A cluster registers itself (enforce.md 1.2): its agent's token, an invite code, and who it is to be. Guarantees: without a
// good code nothing is asked of the cluster's issuer, and whatever is wrong leaves neither identity nor cluster behind.

import type { AuthRegistrationRequest, AuthSession } from '../../api/schema/types/auth.gen.ts';
import { isAncestorOrSelf, newChildId, parentOf } from '../../api/uidp.ts';
import { checkDescription } from '../api/field-rules.ts';
import { failedPrecondition, invalidArgument, permissionDenied } from '../core/failures.ts';
import type { CallContext } from '../core/handler.ts';
import { acceptInvite, openInvite } from '../iam/group-invites.ts';
import { capabilitiesOf } from '../iam/roles.ts';
import { findIdentity, insertIdentity } from '../iam/stored-identity.ts';
import type { AgentProof, ProvedAgent } from '../issuer/prepared.ts';
import type { SqlRow, Store, Tx } from '../store/database.ts';
import { checkClusterName, insertCluster } from './clusters.ts';

const agentSubject = 'system:serviceaccount:gulfstream:controller';

/** Returns the rest of the work, for the transaction of the call. */
export async function prepareCluster(
  store: Store,
  request: AuthRegistrationRequest,
  proof: AgentProof,
): Promise<(tx: Tx, context: CallContext) => AuthSession> {
  const { code = '', identityId = '', clusterId = '' } = request;
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(clusterId)) {
    throw invalidArgument(`cluster_id: ${JSON.stringify(clusterId)} is not the uid of a namespace`);
  }
  if (code === '') throw invalidArgument('code is required to register a cluster');
  store.read((tx) => groupOf(tx, code));
  const agent = identityId === '' ? await proof.asPublished() : await proof.asIdentity(identityId);
  if (agent.subject !== agentSubject) {
    throw permissionDenied(`a cluster is registered by ${agentSubject}, and not by ${JSON.stringify(agent.subject)}`);
  }
  return (tx, context) => {
    const group = groupOf(tx, code);
    const before = tx.get('SELECT * FROM enforce_clusters WHERE remote_id = ? AND issuer = ?', clusterId, agent.issuer);
    if (before !== undefined && parentOf(String(before['id'])) !== group) {
      const place = parentOf(String(before['id']));
      throw failedPrecondition(`the cluster is registered in ${place}; uninstall it there first`);
    }
    const identity = identityOf(tx, group, request, agent, before);
    acceptInvite(tx, code, { ...noLogin, identity });
    if (before !== undefined) {
      const id = String(before['id']);
      tx.run('UPDATE enforce_clusters SET identity = ?, last_seen = ? WHERE id = ?', identity, tx.now, id);
      return { identity, group };
    }
    const cluster = insertCluster(tx, group, {
      name: checkClusterName(request.clusterName),
      description: checkDescription(request.clusterDescription),
      remoteId: clusterId,
      issuer: agent.issuer,
      identity,
      facts: { profiles: ['observer'] },
    });
    context.announce(tx, 'tenant.v1.Clusters.Create', { request, response: cluster }, { identity, actor: {} });
    return { identity, group };
  };
}

const noLogin = { issuer: '', email: undefined, emailVerified: false };

/** Throws unless the code is good and for a cluster: with another role whoever holds it could report for nothing. */
function groupOf(tx: Tx, code: string): string {
  const { group, role } = openInvite(tx, code, noLogin);
  if (capabilitiesOf(role).includes('gulfstream')) return group;
  throw failedPrecondition('the invite is not for a cluster; make one with `chainctl iam invites create --cluster`');
}

/** The identity that was named, that the cluster had, or a new one. */
function identityOf(
  tx: Tx,
  group: string,
  { identityId = '', clusterId = '' }: AuthRegistrationRequest,
  { issuer, subject }: ProvedAgent,
  before: SqlRow | undefined,
): string {
  if (identityId !== '') {
    if (findIdentity(tx, identityId) === undefined) throw failedPrecondition('the identity was deleted meanwhile');
    if (isAncestorOrSelf(group, parentOf(identityId))) return identityId;
    throw permissionDenied('the identity lives outside the group that the invite is for');
  }
  const known = before?.['identity'];
  if (known !== null && known !== undefined) return String(known);
  const id = newChildId(group, (count) => tx.randomBytes(count));
  insertIdentity(tx, {
    id,
    name: `cluster ${clusterId}`,
    description: 'Agent of a cluster',
    relationship: { kind: 'claimMatch', claimMatch: { issuer, subject, audience: 'gulfstream' } },
  });
  return id;
}
