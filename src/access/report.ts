// Lists who holds what in an organization, as one flat list for reviews, and what differs between two of them.
// Guarantees: no input or output; a report that was kept says no less than the lists it was made from.

import { type Facts, type Grant, grantsIn, type Through } from './grants.ts';

/** One role that somebody has, or would have once a condition is met. */
export interface ReportRow {
  readonly who: string;
  /** Empty where a condition says who. */
  readonly identityId: string;
  readonly role: string;
  readonly roleId: string;
  /** Names from the organization down. */
  readonly location: string;
  readonly locationId: string;
  readonly through: Through;
  /** RFC 3339; where the identity or the invite has an end. */
  readonly ends?: string;
  /** RFC 3339; of the identity, where the platform tells. */
  readonly lastSeen?: string;
  /** Sorted. */
  readonly capabilities: readonly string[];
  /** Of the binding, mapping, provider or invite. */
  readonly id: string;
}

/** Every grant there is, those that have ended included; in the order of who, where and what. */
export function reportOf(facts: Facts, nameOf: (place: string) => string): ReportRow[] {
  const identities = new Map(facts.identities.map((identity) => [identity.id ?? '', identity]));
  const invites = new Map(facts.invites.map((invite) => [invite.id ?? '', invite]));
  const toRow = ({ id, who, identity, role, place, through }: Grant): ReportRow => {
    const known = identities.get(identity);
    const ends = through === 'pending-invite' ? invites.get(id)?.expiration : known?.static?.expiration;
    return {
      who,
      identityId: identity,
      role: role.name || role.id || '',
      roleId: role.id ?? '',
      location: nameOf(place),
      locationId: place,
      through,
      ...(ends ? { ends } : {}),
      ...(known?.lastSeen ? { lastSeen: known.lastSeen } : {}),
      capabilities: [...(role.capabilities ?? [])].sort(),
      id,
    };
  };
  return [...grantsIn(facts)].map(toRow).sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

const orderOf = ({ who, location, role, id }: ReportRow) => [who, location, role, id].join('\u0000');

export interface Difference {
  /** `changed`: the same role in the same place, which allows something else than before. */
  readonly change: 'gained' | 'lost' | 'changed';
  readonly row: ReportRow;
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

/** Returns what the second report has that the first has not, and the other way round; a binding made anew is none. */
export function differencesOf(old: readonly ReportRow[], fresh: readonly ReportRow[]): Difference[] {
  const [before, after] = [byHolding(old), byHolding(fresh)];
  const found: Difference[] = [];
  for (const [key, row] of after) {
    const was = before.get(key);
    if (was === undefined) {
      found.push({ change: 'gained', row, gained: row.capabilities, lost: [] });
      continue;
    }
    const gained = row.capabilities.filter((one) => !was.capabilities.includes(one));
    const lost = was.capabilities.filter((one) => !row.capabilities.includes(one));
    if (gained.length + lost.length > 0) found.push({ change: 'changed', row, gained, lost });
  }
  for (const [key, row] of before) {
    if (!after.has(key)) found.push({ change: 'lost', row, gained: [], lost: row.capabilities });
  }
  return found.sort((a, b) => (orderOf(a.row) < orderOf(b.row) ? -1 : 1));
}

const byHolding = (rows: readonly ReportRow[]) =>
  new Map(
    rows.map((row) => [[row.identityId || row.who, row.roleId, row.locationId, row.through].join('\u0000'), row]),
  );
