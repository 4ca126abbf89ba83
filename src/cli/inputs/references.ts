// Kinds whose text names a location, and what all kinds share whose text names something on the platform; the others
// stand beside their noun. Guarantees: an id passes through untouched, one match is used, none is a not-found error
// with near misses, several are picked from or listed; every list is fetched once per run.

import type { IamGroup } from '../../api/schema/types/iam.gen.ts';
import { ancestry, isUidp, parentOf, rootOf } from '../../api/uidp.ts';
import { CliError } from '../../errors.ts';
import { nearest } from '../../suggest.ts';
import type { Context } from '../context.ts';
import type { Candidate } from '../prompts/question.ts';
import { remembered } from '../remembered.ts';
import { byShortId } from '../short-id.ts';
import type { Chosen, Kind } from './kind.ts';

/** A thing named by an input. `name` is the id when the id was given, because then nothing was looked up. */
export interface Reference {
  readonly id: string;
  readonly name: string;
}

// ---- locations ----

/** Every group the caller sees, with what naming and nesting them needs. */
export interface GroupDirectory {
  /** Parents before children, siblings by name. */
  readonly groups: readonly IamGroup[];
  readonly byId: ReadonlyMap<string, IamGroup>;
  readonly byName: ReadonlyMap<string, readonly IamGroup[]>;
}

export const groupDirectory = remembered(async (context: Context): Promise<GroupDirectory> => {
  const answer = await (await context.api()).call('iam.v1.Groups.List', {});
  return toDirectory(answer.items ?? []);
});

export function toDirectory(items: readonly IamGroup[]): GroupDirectory {
  const groups = inTreeOrder(items);
  const byName = new Map<string, IamGroup[]>();
  for (const one of groups) {
    const sharing = byName.get(one.name ?? '');
    if (sharing === undefined) byName.set(one.name ?? '', [one]);
    else sharing.push(one);
  }
  return { groups, byId: new Map(groups.map((one) => [one.id ?? '', one])), byName };
}

/** Depth-first, siblings by name. A group whose parent is not visible stands as a root. */
export function inTreeOrder(groups: readonly IamGroup[]): readonly IamGroup[] {
  const known = new Set(groups.map((group) => group.id ?? ''));
  const children = new Map<string, IamGroup[]>();
  for (const group of groups) {
    const parent = parentOf(group.id ?? '');
    const under = known.has(parent) ? parent : '';
    const siblings = children.get(under);
    if (siblings === undefined) children.set(under, [group]);
    else siblings.push(group);
  }
  const ordered: IamGroup[] = [];
  const visit = (parent: string) => {
    for (const group of (children.get(parent) ?? []).sort(byNameThenId)) {
      ordered.push(group);
      visit(group.id ?? '');
    }
  };
  visit('');
  return ordered;
}

export const isOrganization = (group: IamGroup): boolean => !(group.id ?? '').includes('/');

function groupKind(noun: string, metavar: string, accepts: (group: IamGroup) => boolean): Kind<Reference> {
  return {
    metavar,
    noun,
    parse: notEmpty,
    async resolve(context, text) {
      if (isUidp(text)) return { id: text, name: text };
      const directory = await groupDirectory(context);
      const sharing = named(text, directory);
      return toReference(
        await one(context, text, sharing.filter(accepts), {
          noun,
          // The wording public scripts look for, whatever the noun (script-contracts 1.13), unless there is something.
          missing:
            sharing.length === 0
              ? `No folder found for "${text}"`
              : `"${text}" is ${noun === 'organization' ? 'a folder, not an organization' : 'an organization, not a folder'}`,
          names: () => directory.groups.filter(accepts).map((group) => group.name ?? ''),
          called: (name) => (directory.byName.get(name)?.every(isOrganization) ? 'the organization ' : 'the folder '),
          // Those that share a name are told apart by where they are.
          candidate: (group) => ({ value: toReference(group), label: pathOf(group, directory), text: group.id ?? '' }),
        }),
      );
    },
    nothing:
      'create an organization with `chainctl iam organizations create`, or accept an invite with `chainctl auth login --invite-code=CODE`',
    async candidates(context) {
      const directory = await groupDirectory(context);
      return directory.groups.filter(accepts).map((group) => groupCandidate(group, directory));
    },
  };
}

/** A login that sees one organization means that one, whatever folders it holds (script-contracts 2, pull-token). */
async function soleOrganization(context: Context): Promise<Candidate<Reference> | undefined> {
  const directory = await groupDirectory(context);
  const roots = directory.groups.filter(isOrganization);
  return roots.length === 1 && roots[0] !== undefined ? groupCandidate(roots[0], directory) : undefined;
}

/** The same, or the one folder that a login sees without its organization. */
async function soleLocation(context: Context): Promise<Candidate<Reference> | undefined> {
  const [first, ...others] = (await groupDirectory(context)).groups;
  if (first === undefined || others.length > 0) return soleOrganization(context);
  return groupCandidate(first, await groupDirectory(context));
}

/** Any organization or folder. */
export const group: Kind<Reference> = { ...groupKind('folder', 'LOCATION', () => true), onlyCandidate: soleLocation };
export const organization: Kind<Reference> = {
  ...groupKind('organization', 'ORGANIZATION', isOrganization),
  onlyCandidate: soleOrganization,
};
/** Never taken without being named: the one folder there is may not be the one that is meant to go. */
export const folder = groupKind('folder', 'FOLDER', (one) => !isOrganization(one));

/** The organization that holds what another input names. */
export const organizationOf = (key: string): Kind<Reference> => {
  const holding = async (context: Context, chosen: Chosen) => {
    const id = (chosen[key] as Reference | undefined)?.id;
    const all = (await organization.candidates?.(context, chosen)) ?? [];
    return id === undefined ? all : all.filter(({ value }) => value.id === rootOf(id));
  };
  return {
    ...organization,
    noun: 'organization',
    candidates: holding,
    onlyCandidate: async (context, chosen) => {
      const [first, ...others] = await holding(context, chosen);
      return others.length === 0 ? first : undefined;
    },
  };
};

/** By name, or by names from the organization down joined by `/`: names cannot hold one themselves (semantics 2). */
function named(text: string, directory: GroupDirectory): readonly IamGroup[] {
  const slash = text.lastIndexOf('/');
  if (slash < 0) return directory.byName.get(text) ?? byShortId(text, directory.groups);
  return (directory.byName.get(text.slice(slash + 1)) ?? []).filter((one) => pathOf(one, directory) === text);
}

function groupCandidate(one: IamGroup, directory: GroupDirectory): Candidate<Reference> {
  const unique = directory.byName.get(one.name ?? '')?.length === 1;
  return {
    value: toReference(one),
    label: one.name ?? '',
    ...(one.description ? { description: one.description } : {}),
    text: unique ? (one.name ?? '') : (one.id ?? ''),
    depth: lineage(one, directory).length - 1,
    noun: isOrganization(one) ? 'organization' : 'folder',
  };
}

/** Names of a group and of the visible groups around it, outermost first, joined by `/`. */
export function pathOf(one: IamGroup, directory: GroupDirectory): string {
  return lineage(one, directory)
    .map((each) => each.name ?? '')
    .join('/');
}

/** The visible groups that hold this one, outermost first, then itself. */
function lineage(one: IamGroup, directory: GroupDirectory): IamGroup[] {
  return ancestry(one.id ?? '')
    .flatMap((id) => directory.byId.get(id) ?? [])
    .reverse();
}

/** Returns where a thing is and the end of its id: whole ids differ where a narrow terminal cuts them off. */
export function placeAndEnd(id: string, directory: GroupDirectory): string {
  const place = directory.byId.get(parentOf(id));
  return place === undefined ? id : `${pathOf(place, directory)} …/${id.slice(id.lastIndexOf('/') + 1)}`;
}

// ---- shared ----

export function notEmpty(text: string): string {
  if (text.trim() === '') throw new Error('must not be empty');
  return text;
}

const plurals: Readonly<Record<string, string>> = { identity: 'identities', repository: 'repositories' };

export interface Named {
  readonly id?: string;
  readonly name?: string;
}

/** Things of that name; when there is none, those whose id begins so. */
export function namedOrShort<T extends Named>(text: string, things: readonly T[]): readonly T[] {
  const matches = things.filter(({ name }) => name === text);
  return matches.length > 0 ? matches : byShortId(text, things);
}

/** Returns whether another of these has the same name. */
export function sharedIn(things: readonly Named[]): (thing: Named) => boolean {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { name = '' } of things) (seen.has(name) ? twice : seen).add(name);
  return ({ name = '' }) => twice.has(name);
}

/** Returns what Tab offers in place of the id of a thing whose name means one. */
export const uniqueName = (thing: Named, isShared: (thing: Named) => boolean) =>
  thing.name && !isShared(thing) ? { unique: thing.name } : {};

/** By code units, so that the order is the same on every machine; equal names by id. */
export const byNameThenId = (a: Named, b: Named) =>
  compare(a.name ?? '', b.name ?? '') || compare(a.id ?? '', b.id ?? '');

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

export const toReference = (thing: Named): Reference => ({
  id: thing.id ?? '',
  name: thing.name ?? '',
});

interface Lookup<T> {
  readonly noun: string;
  readonly missing: string;
  /** Names to look for near misses in. */
  readonly names: () => readonly string[];
  readonly candidate: (thing: T) => Candidate<Reference>;
  /** Noun of the thing of that name, with a blank behind it, where people call it otherwise. */
  readonly called?: (name: string) => string;
}

/** The one of several matches that is meant: picked by a person, else only when there is no doubt. */
export async function one<T extends { readonly id?: string }>(
  context: Context,
  text: string,
  matches: readonly T[],
  lookup: Lookup<T>,
): Promise<T> {
  const [first, ...others] = matches;
  if (first === undefined) {
    const near = nearest(text, lookup.names());
    throw new CliError('not-found', lookup.missing, {
      code: `not-found.${lookup.noun.replaceAll(' ', '-')}`,
      ...(near === undefined ? {} : { hint: `did you mean ${lookup.called?.(near) ?? ''}"${near}"?` }),
    });
  }
  if (others.length === 0) return first;
  if (context.io.interactive) {
    const directory = await groupDirectory(context);
    const rows = matches.map((thing) => ({
      ...lookup.candidate(thing),
      description: placeAndEnd(thing.id ?? '', directory),
      text: thing.id ?? '',
    }));
    const picked = await context.prompts.pick(`Several are named "${text}". Which ${lookup.noun}?`, rows);
    return matches.find((thing) => thing.id === picked.value.id) ?? first;
  }
  throw new CliError(
    'usage',
    `"${text}" names ${matches.length} ${plurals[lookup.noun] ?? `${lookup.noun}s`}; say which by its id`,
    {
      code: 'usage.ambiguous',
      details: matches.map((thing) => thing.id ?? ''),
    },
  );
}
