// Facts of the events of this module (enforce.md 1.3). Guarantees: a field that is not listed is not stored.

import { parentOf } from '../../api/uidp.ts';
import { type EventBody, type EventFacts, type EventPlace, idOf } from '../core/event-facts.ts';

export const enforceEvents: EventFacts = {
  'chainguard.platform.iam.Policy': {
    place: inParent,
    fields: ['id', 'name', 'description', 'document', 'createdAt', 'updatedAt', 'enforcedVersion.id'],
  },
  'chainguard.platform.iam.DeletePolicyRequest': { place: inParent, fields: ['id'] },
  'chainguard.platform.tenant.Cluster': {
    place: inParent,
    fields: ['id', 'remoteId', 'issuer', 'registered', 'name', 'description', 'provider', 'profiles'],
  },
  'chainguard.platform.tenant.DeleteClusterRequest': { place: inParent, fields: ['id'] },
};

function inParent(body: EventBody): EventPlace {
  const id = idOf(body);
  return { subject: id, group: parentOf(id) };
}
