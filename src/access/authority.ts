// Reads the capabilities of a login, as the issuer says it (protocols 4.4), and which lists hide something from it for
// that.

import type { AuthWhoAmI } from '../api/schema/types/auth.gen.ts';
import type { IamRole } from '../api/schema/types/iam.gen.ts';
import { ancestry } from '../api/uidp.ts';

/** Capabilities of the login at one place, and its role; no role where the token was narrowed. */
export interface Holding {
  readonly place: string;
  readonly role: IamRole | undefined;
  readonly capabilities: readonly string[];
}

/** `roles` are looked into where the issuer names a role without what it allows. */
export function holdingsOf({ capabilities: entries = [] }: AuthWhoAmI, roles: readonly IamRole[]): Holding[] {
  return entries.map(({ group, role, capabilities = [] }) => {
    // A token that was narrowed has no role; of others the role says what they may do.
    const known = roles.find(({ id, name }) => (role?.id ? id === role.id : name === role?.name));
    const names = capabilities.length > 0 ? capabilities : (known?.capabilities ?? role?.capabilities ?? []);
    return { place: group?.id ?? '', role, capabilities: names };
  });
}

/** Those that give the capability at the place: what is held above counts below. */
export function holdingsAt(holdings: readonly Holding[], capability: string, place: string): Holding[] {
  const around = new Set(ancestry(place));
  return holdings.filter((one) => around.has(one.place) && one.capabilities.includes(capability));
}

/** The place itself and those around it where one of the capabilities is lacking; outermost first. */
export function hiddenPlaces(holdings: readonly Holding[], capabilities: readonly string[], place: string): string[] {
  return ancestry(place)
    .reverse()
    .filter((each) => capabilities.some((one) => holdingsAt(holdings, one, each).length === 0));
}
