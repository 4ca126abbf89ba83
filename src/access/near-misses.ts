// Why somebody does not have a capability although something comes close, and which built-in role would do.

import type { IamRole } from '../api/schema/types/iam.gen.ts';
import { isRoot } from '../api/uidp.ts';
import { type Facts, type Grant, gives, grantsIn, isHeld, mayConcern, reaches, type Subject } from './grants.ts';

/** `ended`: it would do, but the identity or invite has expired. `elsewhere`: it counts at another place. `role`: it
 * counts here, and the role does not have the capability. */
export interface NearMiss {
  readonly grant: Grant;
  readonly reason: 'ended' | 'elsewhere' | 'role';
}

const order = ['ended', 'elsewhere', 'role'] as const;

/** Returns what the person or identity has that comes close, the closest first. */
export function nearMisses(facts: Facts, subject: Subject, capability: string, place: string): NearMiss[] {
  const found: NearMiss[] = [];
  for (const grant of grantsIn(facts)) {
    const isTheirs =
      grant.through === 'binding'
        ? grant.identity === subject.id
        : grant.through === 'pending-invite' && grant.endedAt !== undefined && mayConcern(grant, subject);
    const reason = isTheirs ? reasonOf(grant, capability, place) : undefined;
    if (reason !== undefined) found.push({ grant, reason });
  }
  return found.sort((a, b) => order.indexOf(a.reason) - order.indexOf(b.reason));
}

function reasonOf(grant: Grant, capability: string, place: string): NearMiss['reason'] | undefined {
  const counts = reaches(grant, place);
  if (gives(grant, capability)) {
    if (!counts) return isHeld(grant) ? 'elsewhere' : undefined;
    return grant.endedAt === undefined ? undefined : 'ended';
  }
  return counts && isHeld(grant) ? 'role' : undefined;
}

/** The built-in role with the fewest capabilities that has this one, of equals the first by name; undefined when none has. */
export function smallestBuiltIn(roles: readonly IamRole[], capability: string): IamRole | undefined {
  const size = ({ capabilities = [] }: IamRole) => capabilities.length;
  return roles
    .filter(({ id = '', capabilities }) => isRoot(id) && capabilities?.includes(capability))
    .sort((a, b) => size(a) - size(b) || ((a.name ?? '') < (b.name ?? '') ? -1 : 1))[0];
}
