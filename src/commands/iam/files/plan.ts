// What files would change in an organization, and who gains or loses what by it.

import { type AccessChange, accessChanges } from '../../../access/difference.ts';
import { compact } from '../../../api/compact.ts';
import type { Context } from '../../../cli/context.ts';
import { defineView } from '../../../cli/define.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { file, string } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import { CliError } from '../../../errors.ts';
import { type Changes, changesFor, nouns } from '../../../organization/changes.ts';
import { type Document, type FileText, readDocument, refuse } from '../../../organization/document.ts';
import { type Expectation, judge } from '../../../organization/expectations.ts';
import { factsOf, Places, placesOf, type State } from '../../../organization/state.ts';
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

export interface Plan {
  readonly organization: Reference;
  readonly before: State;
  readonly result: Changes;
  readonly access: readonly AccessChange[];
  readonly expectations: readonly Expectation[];
  /** Names of places by id, before and after. */
  readonly nameOf: (id: string) => string;
}

/** Reads the organization now and compares. Throws a usage CliError that lists everything wrong with the files. */
export async function makePlan(
  context: Context,
  files: readonly FileText[],
  { parent, prune }: { readonly parent: string | undefined; readonly prune: boolean },
): Promise<Plan> {
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
): Plan {
  const result = changesFor(before, document, prune);
  const places = [...new Set([...placesOf(before), ...placesOf(result.after)])];
  const problems: string[] = [];
  const expectations = judge(document.expectations, result.after, known, now, problems);
  refuse(problems);
  const [old, fresh] = [new Places(before), new Places(result.after)];
  return {
    organization,
    before,
    result,
    access: accessChanges(factsOf(before, now), factsOf(result.after, now), places),
    expectations,
    nameOf: (id) => (placesOf(result.after).includes(id) ? fresh : old).nameOf(id),
  };
}

/** Those of this program's table and those that a role holds: a newer platform may know more. */
async function knownCapabilities({ roles }: State): Promise<ReadonlySet<string>> {
  const { capabilities } = await import('../../../api/schema/capabilities.gen.ts');
  return new Set([...capabilities.map(({ name }) => name), ...roles.flatMap((role) => role.capabilities ?? [])]);
}

const signs = { create: '+', update: '~', delete: '-' } as const;

export function planText(plan: Plan): string {
  const { result, access, expectations, organization, nameOf } = plan;
  const lines: string[] = [];
  if (result.changes.length === 0) lines.push(`"${organization.name}" is as the files say.`);
  else lines.push(`${counted(result.changes.length, 'change')} in "${organization.name}":`);
  for (const { action, kind, label, details } of result.changes) {
    lines.push(`  ${signs[action]} ${nouns[kind]} ${label}`);
    for (const detail of details) lines.push(`      ${detail}`);
  }
  if (access.length > 0) lines.push('', 'Who gains or loses what:');
  for (const { direction, who, isConditional, capabilities, areas } of access) {
    const where = areas.map(({ place, except }) => {
      const but = except.map(nameOf).join(', ');
      return `${nameOf(place)}${but === '' ? '' : ` without ${but}`}`;
    });
    const condition = isConditional ? ', if the condition is met' : '';
    lines.push(`  ${direction === 'gains' ? '+' : '-'} ${who} ${direction} in ${where.join(', ')}${condition}:`);
    lines.push(`      ${some(capabilities)}`);
  }
  if (expectations.length > 0) lines.push('', 'Expected:');
  for (const { text, isMet, reason } of expectations) {
    lines.push(`  ${isMet ? 'ok    ' : 'FAILS '} ${text}${reason === undefined ? '' : `: ${reason}`}`);
  }
  if (result.unmentioned.length > 0) {
    lines.push('', `Not in the files, and kept without --prune:`, ...listed(result.unmentioned));
  }
  return lines.map((line) => `${printable(line)}\n`).join('');
}

const most = 12;

const listed = (labels: readonly string[]) => [
  ...labels.slice(0, most).map((label) => `  ${label}`),
  ...(labels.length > most ? [`  and ${labels.length - most} more`] : []),
];

const some = (names: readonly string[]) =>
  names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

export const planView = defineView<Plan>({
  text: planText,
  json: ({ organization, result, access, expectations, nameOf }) => ({
    organization: organization.name,
    organizationId: organization.id,
    changes: result.changes.map(({ action, kind, label, details, id }) =>
      compact({ action, kind, name: label, ...(action === 'create' ? {} : { id }), details: [...details] }),
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
    unmentioned: [...result.unmentioned],
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

/** What a plan does, a line for each change: equal for two plans only when they do the same. */
export const planLines = ({ result }: Plan): string[] =>
  result.changes.map(({ action, kind, label, details, id }) =>
    [action, kind, label, action === 'create' ? '' : id, ...details].join(' '),
  );
