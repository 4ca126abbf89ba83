// Lists the people that the sign-in page offers, and reads which of them was chosen.

import { topmostRolesOf } from '../../iam/bind-role.ts';
import { developerIssuer, people } from '../../iam/people.ts';
import { accountsOfIssuer, toStoredIdentity } from '../../iam/stored-identity.ts';
import type { Tx } from '../../store/database.ts';
import { developerToken, toEmailAddress } from '../simulated.ts';
import type { Choice } from './page.ts';

const maxChoices = 50;

/** Users of the sign-in page, and the seeded people who have not signed in yet. */
export function choicesOf(tx: Tx): Choice[] {
  const rows = accountsOfIssuer(tx, developerIssuer, maxChoices);
  const known: Choice[] = rows.map((row) => {
    const { id, name, email } = toStoredIdentity(row);
    const person = people.find((candidate) => candidate.email === email);
    const subject = String(row['subject']);
    return { subject, name: person?.name ?? (name || undefined), email: email ?? undefined, roles: rolesOf(tx, id) };
  });
  const strangers = people.filter(({ subject }) => !known.some((choice) => choice.subject === subject));
  return [...known, ...strangers.map(({ subject, name, email }) => ({ subject, name, email, roles: undefined }))];
}

/** e.g. `owner of example.com`; empty for an account without roles. */
function rolesOf(tx: Tx, identity: string): string {
  const rows = topmostRolesOf(tx, identity, 3);
  const shown = rows.slice(0, 2).map((row) => `${String(row['role'])} of ${String(row['place'])}`);
  return rows.length > 2 ? `${shown.join(', ')} and more` : shown.join(', ');
}

/** Returns who was chosen; undefined when what was typed is not an address. */
export function toPerson(
  form: URLSearchParams,
  offered: readonly Choice[],
): { subject: string; claims: Readonly<Record<string, unknown>> } | undefined {
  const chosen = offered.find(({ subject }) => subject === form.get('subject'));
  if (chosen !== undefined && chosen.email === undefined) return { subject: chosen.subject, claims: {} };
  const address = chosen?.email ?? toEmailAddress(form.get('email') ?? '');
  if (address === undefined) return undefined;
  const { subject, claims } = developerToken(address);
  return { subject: chosen?.subject ?? subject, claims };
}
