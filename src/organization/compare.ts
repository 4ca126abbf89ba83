// Compares two organizations, by what a file would say of them. Guarantees: no input or output; ids and times do not
// count, names do.

import type { Entries } from './entries.ts';
import { differences, type Fields } from './fields.ts';
import { nouns } from './labels.ts';
import { sectionNames } from './shapes.ts';

export interface Difference {
  readonly where: 'only-there' | 'only-here' | 'both';
  /** `identity`, `binding`. */
  readonly noun: string;
  readonly name: string;
  /** `there → here` for each member that differs. */
  readonly details: readonly string[];
}

export function compareOrganizations(there: Entries, here: Entries): Difference[] {
  return sectionNames.flatMap((section) => {
    const [others, own] = [byName(there[section]), byName(here[section])];
    const noun = nouns[section];
    return [...new Set([...others.keys(), ...own.keys()])].sort().flatMap((name): Difference[] => {
      const [other, mine] = [others.get(name), own.get(name)];
      if (other === undefined) return [{ where: 'only-here', noun, name, details: [] }];
      if (mine === undefined) return [{ where: 'only-there', noun, name, details: [] }];
      const details = differences(other, mine);
      return details.length === 0 ? [] : [{ where: 'both', noun, name, details }];
    });
  });
}

function byName(entries: readonly Fields[]): Map<string, Fields> {
  return new Map(entries.map((one) => [nameOf(one), one]));
}

function nameOf(entry: Fields): string {
  const { path, name, role, user, identity, provider, group } = entry;
  const place = entry['in'];
  const at = typeof place === 'string' ? ` in ${place}` : '';
  if (path !== undefined) return String(path);
  if (user !== undefined || identity !== undefined) return `${String(role)} for ${String(user ?? identity)}${at}`;
  if (group !== undefined && provider !== undefined)
    return `${String(role)} for ${String(group)} of ${String(provider)}${at}`;
  return `${String(name)}${at}`;
}
