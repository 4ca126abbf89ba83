// Why a list may be empty: the platform leaves out what a caller may not see, and says nothing of it.

import { holdingsOf } from '../access/authority.ts';
import { capabilitiesOf } from '../api/client.ts';
import { visibleRoles } from '../commands/iam/roles/role.ts';
import { CliError } from '../errors.ts';
import type { Context } from './context.ts';

/** One sentence when this login lacks what every list of this run needs, wherever it has a role; else undefined. */
export async function whyEmpty(context: Context): Promise<string | undefined> {
  // Before roles are listed for this answer.
  const needed = await Promise.all([...context.listed].map(capabilitiesOf));
  const lists = needed.filter((capabilities) => capabilities.length > 0);
  if (lists.length === 0) return undefined;
  let held: ReadonlySet<string>;
  try {
    const me = await (await context.issuerApi()).call('auth.v1.Auth.Validate', {});
    const roles = (me.capabilities ?? []).some(({ role }) => role !== undefined) ? await visibleRoles(context) : [];
    held = new Set(holdingsOf(me, roles).flatMap(({ capabilities }) => capabilities));
  } catch (error) {
    // The list was answered; that nobody says why it is empty is no failure of it.
    if (error instanceof CliError && error.kind !== 'cancelled') return undefined;
    throw error;
  }
  const missing = lists.find((capabilities) => !capabilities.some((one) => held.has(one)));
  return (
    missing && `This login may not list them: it lacks the capability ${missing.map((one) => `"${one}"`).join(' or ')}.`
  );
}
