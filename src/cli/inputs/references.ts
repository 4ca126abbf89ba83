// Kinds whose text names something on the platform. Promises: an id passes through untouched, one match is used, none is
// a not-found error with near misses, several are picked from or listed; every list is fetched once per run.

import type { IamGroup, IamIdentity, IamRole } from '../../api/schema/types.gen.ts';
import { isAncestorOrSelf, isUidp, parentOf, rootOf } from '../../api/uidp.ts';
import { CliError } from '../../errors.ts';
import { nearest } from '../../suggest.ts';
import type { Context } from '../context.ts';
import type { Candidate, Chosen, Kind } from '../define.ts';

/** A thing named by an input. `name` is the id when the id was given, because then nothing was looked up. */
export interface Reference {
  readonly id: string;
  readonly name: string;
}

// ---- locations ----

/** Every group the caller sees, parents before children, siblings by name. */
export function visibleGroups(context: Context): Promise<readonly IamGroup[]> {
  return context.cached('groups', async () => {
    const answer = await (await context.api()).call('iam.v1.Groups.List', {});
    return inTreeOrder(answer.items ?? []);
  });
}

/** Depth-first, siblings by name. A group whose parent is not visible stands as a root. */
export function inTreeOrder(groups: readonly IamGroup[]): readonly IamGroup[] {
  const known = new Set(groups.map((group) => group.id));
  const children = new Map<string, IamGroup[]>();
  for (const group of groups) {
    const parent = parentOf(group.id ?? '');
    const under = known.has(parent) ? parent : '';
    children.set(under, [...(children.get(under) ?? []), group]);
  }
  const ordered: IamGroup[] = [];
  const visit = (parent: string) => {
    const below = (children.get(parent) ?? []).sort((a, b) => (a.name ?? '').localeCompare(b.name ?? ''));
    for (const group of below) {
      ordered.push(group);
      visit(group.id ?? '');
    }
  };
  visit('');
  return ordered;
}

export const isOrganization = (group: IamGroup): boolean => !(group.id ?? '').includes('/');

function groupKind(noun: string, metavar: string, accepts: (group: IamGroup) => boolean): Kind<Reference> {
  const kind: Kind<Reference> = {
    metavar,
    noun,
    parse: notEmpty,
    async resolve(context, text) {
      if (isUidp(text)) return { id: text, name: text };
      const groups = await visibleGroups(context);
      const wanted = groups.filter(accepts);
      const matches = wanted.filter((group) => group.name === text || pathOf(group, groups) === text);
      return toReference(
        await one(context, text, matches, {
          noun,
          // The wording public scripts look for, whatever the noun (script-contracts 1.13).
          missing: `No folder found for "${text}"`,
          near: nearest(
            text,
            wanted.map((group) => group.name ?? ''),
          ),
          candidate: (group) => groupCandidate(group, groups),
        }),
      );
    },
    async candidates(context) {
      const groups = await visibleGroups(context);
      return groups.filter(accepts).map((group) => groupCandidate(group, groups));
    },
    async sole(context) {
      const groups = await visibleGroups(context);
      const wanted = groups.filter(accepts);
      const roots = wanted.filter(isOrganization);
      // A login that sees one organization means that one, whatever folders it holds (script-contracts 2, pull-token).
      const sole = wanted.length === 1 ? wanted[0] : roots.length === 1 ? roots[0] : undefined;
      return sole === undefined ? undefined : groupCandidate(sole, groups);
    },
  };
  return kind;
}

/** Any organization or folder. */
export const group = groupKind('folder', 'LOCATION', () => true);
export const organization = groupKind('organization', 'ORGANIZATION', isOrganization);
export const folder = groupKind('folder', 'FOLDER', (one) => !isOrganization(one));

function groupCandidate(one: IamGroup, all: readonly IamGroup[]): Candidate<Reference> {
  const unique = all.filter((other) => other.name === one.name).length === 1;
  const depth = all.filter((other) => other.id !== one.id && isAncestorOrSelf(other.id ?? '', one.id ?? '')).length;
  return {
    value: toReference(one),
    label: one.name ?? '',
    ...(one.description ? { description: one.description } : {}),
    text: unique ? (one.name ?? '') : (one.id ?? ''),
    depth,
  };
}

/** Names from the organization down, joined by `/`: names cannot hold one themselves (semantics 2). */
export function pathOf(one: IamGroup, all: readonly IamGroup[]): string {
  const names: string[] = [];
  for (const other of all) if (isAncestorOrSelf(other.id ?? '', one.id ?? '')) names.push(other.name ?? '');
  return names.join('/');
}

// ---- roles ----

/** Built-in roles and those defined at a location, above it or anywhere visible. */
function visibleRoles(context: Context): Promise<readonly IamRole[]> {
  return context.cached('roles', async () => {
    const answer = await (await context.api()).call('iam.v1.Roles.List', {});
    return [...(answer.items ?? [])].sort((a, b) => (a.name ?? '').localeCompare(b.name ?? ''));
  });
}

export const role: Kind<Reference> = {
  metavar: 'ROLE',
  noun: 'role',
  splitsCommas: true,
  parse: notEmpty,
  async resolve(context, text, chosen) {
    if (isUidp(text)) return { id: text, name: text };
    const roles = (await visibleRoles(context)).filter((one) => usableAt(one, chosen));
    const matches = roles.filter((one) => one.name === text);
    return toReference(
      await one(context, text, matches, {
        noun: 'role',
        missing: `No role found for "${text}"`,
        near: nearest(
          text,
          roles.map((each) => each.name ?? ''),
        ),
        candidate: roleCandidate,
      }),
    );
  },
  async candidates(context, chosen) {
    return (await visibleRoles(context)).filter((one) => usableAt(one, chosen)).map(roleCandidate);
  },
};

/** A custom role can be bound in its organization only; built-in ones everywhere. */
function usableAt(one: IamRole, chosen: Chosen): boolean {
  const at = (chosen['parent'] as Reference | undefined)?.id;
  const id = one.id ?? '';
  return at === undefined || !id.includes('/') || rootOf(id) === rootOf(at);
}

const roleCandidate = (one: IamRole): Candidate<Reference> => ({
  value: toReference(one),
  label: one.name ?? '',
  ...(one.description ? { description: one.description } : {}),
  text: one.name ?? '',
});

// ---- identities ----

/** Assumable identities the caller sees, below the chosen location when there is one. */
export function visibleIdentities(context: Context, parent?: string): Promise<readonly IamIdentity[]> {
  return context.cached(`identities:${parent ?? ''}`, async () => {
    const filter = parent === undefined ? {} : { uidp: { descendantsOf: parent } };
    const answer = await (await context.api()).call('iam.v1.Identities.List', filter);
    return [...(answer.items ?? [])].sort((a, b) => (a.name ?? '').localeCompare(b.name ?? ''));
  });
}

export const identity: Kind<Reference> = {
  metavar: 'IDENTITY',
  noun: 'identity',
  parse: notEmpty,
  async resolve(context, text, chosen) {
    if (isUidp(text)) return { id: text, name: text };
    const identities = await visibleIdentities(context, (chosen['parent'] as Reference | undefined)?.id);
    const matches = identities.filter((each) => each.name === text);
    return toReference(
      await one(context, text, matches, {
        noun: 'identity',
        missing: `No identity found for "${text}"`,
        near: nearest(
          text,
          identities.map((each) => each.name ?? ''),
        ),
        candidate: identityCandidate,
      }),
    );
  },
  async candidates(context, chosen) {
    const identities = await visibleIdentities(context, (chosen['parent'] as Reference | undefined)?.id);
    return identities.map(identityCandidate);
  },
};

const identityCandidate = (each: IamIdentity): Candidate<Reference> => ({
  value: toReference(each),
  label: each.name ?? '',
  description: each.description || (each.id ?? ''),
  text: each.id ?? '',
});

// ---- shared ----

function notEmpty(text: string): string {
  if (text.trim() === '') throw new Error('must not be empty');
  return text;
}

const toReference = (thing: { readonly id?: string; readonly name?: string }): Reference => ({
  id: thing.id ?? '',
  name: thing.name ?? '',
});

interface Lookup<T> {
  readonly noun: string;
  readonly missing: string;
  readonly near: string | undefined;
  readonly candidate: (thing: T) => Candidate<Reference>;
}

async function one<T extends { readonly id?: string }>(
  context: Context,
  text: string,
  matches: readonly T[],
  lookup: Lookup<T>,
): Promise<T> {
  const [first, ...others] = matches;
  if (first === undefined) {
    throw new CliError('not-found', lookup.missing, {
      code: `not-found.${lookup.noun}`,
      ...(lookup.near === undefined ? {} : { hint: `did you mean "${lookup.near}"?` }),
    });
  }
  if (others.length === 0) return first;
  if (context.io.interactive) {
    const rows = matches.map((thing) => ({ ...lookup.candidate(thing), description: thing.id ?? '' }));
    const picked = await context.prompts.pick(`Several are named "${text}". Which ${lookup.noun}?`, rows);
    return matches.find((thing) => thing.id === picked.value.id) ?? first;
  }
  throw new CliError('usage', `"${text}" names ${matches.length} things; say which by its id`, {
    code: 'usage.ambiguous',
    details: matches.map((thing) => thing.id ?? ''),
  });
}
