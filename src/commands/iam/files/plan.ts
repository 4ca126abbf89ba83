// Plans files: what they would change in an organization, and who gains or loses what.

import { type AccessChange, accessChanges } from '../../../access/difference.ts';
import type { Facts } from '../../../access/grants.ts';
import { compact } from '../../../api/compact.ts';
import { isRoot } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { defineView } from '../../../cli/define.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { file, string } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import { CliError } from '../../../errors.ts';
import { type Changes, changesFor } from '../../../organization/changes.ts';
import { type Document, type FileText, readDocument, refuse } from '../../../organization/document.ts';
import { judge } from '../../../organization/expectations.ts';
import { Labels, nouns } from '../../../organization/labels.ts';
import { factsOf, placesOf, type State } from '../../../organization/state.ts';
import type { Plan } from './plan-shape.ts';
import { counted, planText } from './plan-text.ts';
import { organizationNamed, readState, requireSight } from './state.ts';

export const filenameInput = {
  kind: { ...file, metavar: 'FILE|FOLDER' },
  short: 'f',
  many: true,
  help: 'YAML or JSON that says what the organization should have; a folder stands for its files, "-" for standard input.',
} as const;

export const parentInput = {
  kind: string,
  help: 'Organization to compare with, where it is not the one that the files name.',
} as const;

/** A plan of files, with the requests that make it so. */
export interface FilePlan extends Plan {
  readonly result: Changes;
}

/** Reads the organization now and compares. Throws a usage CliError that lists everything wrong with the files. */
export async function makePlan(
  context: Context,
  files: readonly FileText[],
  { parent, prune }: { readonly parent: string | undefined; readonly prune: boolean },
): Promise<FilePlan> {
  const document = readDocument(files);
  const organization = await organizationNamed(context, parent ?? document.organization.value);
  await requireSight(context, organization);
  const before = await readState(context, organization);
  return planFrom(before, document, prune, organization, context.host.now(), await knownCapabilities(before));
}

function planFrom(
  before: State,
  document: Document,
  prune: boolean,
  organization: Reference,
  now: number,
  known: ReadonlySet<string>,
): FilePlan {
  const result = changesFor(before, document, prune);
  const facts = { before: factsOf(before, now), after: factsOf(result.after, now) };
  return {
    organization,
    source: 'the files say',
    result,
    changes: result.changes.map((one) => ({ ...one, noun: nouns[one.kind] })),
    unmentioned: result.unmentioned,
    roles: [...before.roles, ...result.after.roles],
    unsure: [],
    ...consequences(before, result.after, facts, document.expectations, known),
  };
}

/** Computes who gains and loses what, and whether the expectations hold. Throws what is wrong with an expectation. */
export function consequences(
  before: State,
  after: State,
  facts: { readonly before: Facts; readonly after: Facts },
  expected: Document['expectations'],
  known: ReadonlySet<string>,
): Pick<Plan, 'access' | 'expectations' | 'nameOf'> {
  const [old, fresh] = [new Set(placesOf(before)), new Set(placesOf(after))];
  const problems: string[] = [];
  const expectations = judge(expected, after, facts.after, known, problems);
  refuse(problems);
  const labels = { before: new Labels(before), after: new Labels(after) };
  const identities = new Set(after.identities.map(({ id }) => id));
  const access = accessChanges(facts.before, facts.after, [...new Set([...old, ...fresh])]);
  return {
    // Many folders have an identity of the same name.
    access: byHolder(
      access.map((one) =>
        isRoot(one.identity)
          ? one
          : { ...one, who: labels[identities.has(one.identity) ? 'after' : 'before'].who(one.identity) },
      ),
    ),
    expectations,
    nameOf: (id) => labels[fresh.has(id) ? 'after' : 'before'].places.nameOf(id),
  };
}

const byHolder = (access: AccessChange[]): AccessChange[] =>
  access.sort((a, b) => (a.who < b.who ? -1 : a.who > b.who ? 1 : 0));

/** Those of this program's table and those that a role holds: a newer platform may know more. */
export async function knownCapabilities({ roles }: State): Promise<ReadonlySet<string>> {
  const { capabilities } = await import('../../../api/schema/capabilities.gen.ts');
  return new Set([...capabilities.map(({ name }) => name), ...roles.flatMap((role) => role.capabilities ?? [])]);
}

export const planView = defineView<Plan>({
  text: planText,
  json: ({ organization, changes, access, expectations, unmentioned, unsure, nameOf }) => ({
    organization: organization.name,
    organizationId: organization.id,
    changes: changes.map(({ action, kind, label, details, id, address }) =>
      compact({ action, kind, name: label, ...(action === 'create' ? {} : { id }), address, details: [...details] }),
    ),
    access: access.map(({ direction, who, identity, isConditional, capabilities, areas }) =>
      compact({
        who,
        ...(identity === '' ? {} : { identityId: identity }),
        direction,
        conditional: isConditional,
        capabilities: [...capabilities],
        locations: areas.map(({ place, except }) => ({ location: nameOf(place), except: except.map(nameOf) })),
      }),
    ),
    expectations: expectations.map(({ text, isMet, reason, line }) => compact({ text, met: isMet, reason, line })),
    unmentioned: [...unmentioned],
    ...(unsure.length === 0 ? {} : { unsure: [...unsure] }),
  }),
});

/** The error of a plan whose expectations are not all met. */
export function broken({ expectations }: Plan): CliError | undefined {
  const failed = expectations.filter(({ isMet }) => !isMet);
  if (failed.length === 0) return undefined;
  return new CliError('permission', `${counted(failed.length, 'expectation')} of the files would not be met`, {
    code: 'access.expectation',
    details: failed.map(({ line, text, reason }) => printable(`${line}: ${text}: ${reason}`)),
  });
}

/** Describes a plan, a line for each change: equal for two plans only when they do the same. */
export const planLines = ({ changes }: Plan): string[] =>
  changes.map(({ action, kind, label, details, id }) =>
    [action, kind, label, action === 'create' ? '' : id, ...details].join(' '),
  );
