// A plan as people read it: what changes, then for everybody what they gain and lose. Guarantees: pure; no line is
// wider than 80 columns where there is a blank to break at; texts of the organization cannot steer a terminal.

import type { AccessChange } from '../../../access/difference.ts';
import type { IamRole } from '../../../api/schema/types/iam.gen.ts';
import { isRoot } from '../../../api/uidp.ts';
import { printable } from '../../../cli/io.ts';
import type { Plan } from './plan-shape.ts';

const signs = { create: '+', update: '~', replace: '±', delete: '-' } as const;

export function planText(plan: Plan): string {
  const { changes, access, expectations, organization, unmentioned, unsure } = plan;
  const lines: string[] = [];
  if (changes.length === 0) lines.push(`"${organization.name}" is as ${plan.source}.`);
  else lines.push(`${counted(changes.length, 'change')} in "${organization.name}":`);
  for (const { action, noun, label, details, address } of changes) {
    lines.push(`  ${signs[action]} ${noun} ${label}`);
    if (address !== undefined) lines.push(`      ${address}`);
    for (const detail of details) lines.push(...wrapped(detail, 6));
  }
  if (access.length > 0) lines.push('', 'Who gains (+) or loses (-) what:', ...accessLines(plan, access));
  if (expectations.length > 0) lines.push('', 'Expected:');
  for (const { text, isMet, reason } of expectations) {
    lines.push(...wrapped(`${isMet ? 'ok   ' : 'FAILS'} ${text}${reason === undefined ? '' : `: ${reason}`}`, 2));
  }
  if (unsure.length > 0) lines.push('', 'Not told by the plan:', ...unsure.flatMap((clause) => wrapped(clause, 2)));
  if (unmentioned.length > 0) {
    lines.push('', `Not in the files, and kept without --prune:`, ...listed(unmentioned));
  }
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function accessLines({ roles, nameOf }: Plan, access: readonly AccessChange[]): string[] {
  const worth = roleWorth(roles);
  const byHolder = new Map<string, AccessChange[]>();
  for (const one of access) {
    const holder = `${one.who}${one.isConditional ? ' (if the condition is met)' : ''}`;
    byHolder.set(holder, [...(byHolder.get(holder) ?? []), one]);
  }
  return [...byHolder].flatMap(([holder, changes]) => [
    `  ${holder}`,
    ...changes.flatMap(({ direction, capabilities, areas }) => {
      const where = areas.map(({ place, except }) => {
        const but = except.map(nameOf).join(', ');
        return `${nameOf(place)}${but === '' ? '' : ` without ${but}`}`;
      });
      const role = worth.get(keyOf(capabilities));
      return [
        ...wrapped(`${direction === 'gains' ? '+' : '-'} in ${where.join(', ')}:`, 4),
        ...(role === undefined ? some(capabilities) : [`        ${role} (${capabilities.length} capabilities)`]),
      ];
    }),
  ]);
}

const most = 12;

const listed = (labels: readonly string[]) => [
  ...labels.slice(0, most).map((label) => `  ${label}`),
  ...(labels.length > most ? [`  and ${labels.length - most} more`] : []),
];

/** `clusters.{create,delete}, repo.list`, in as many lines as people read. */
function some(names: readonly string[]): string[] {
  const byResource = new Map<string, string[]>();
  for (const name of names) {
    const at = name.lastIndexOf('.');
    byResource.set(name.slice(0, at), [...(byResource.get(name.slice(0, at)) ?? []), name.slice(at + 1)]);
  }
  const groups = [...byResource].map(([resource, verbs]) =>
    verbs.length === 1 ? `${resource}.${verbs[0]}` : `${resource}.{${verbs.join(',')}}`,
  );
  const lines = wrapped(groups.join(', '), 8, 8);
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), `        … ${names.length} capabilities in all; \`-o json\` lists them`];
}

/** Indented, and not wider than a terminal where there is a blank to break at. */
function wrapped(text: string, indent: number, further = indent + 2): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= 80) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${' '.repeat(lines.length === 0 ? indent : further)}${word}`);
  }
  return lines;
}

/**
 * Describes capabilities by roles: one role, or what it allows beyond another; few capabilities are listed themselves.
 */
function roleWorth(roles: readonly IamRole[]): ReadonlyMap<string, string> {
  const worth = new Map<string, string>();
  const builtIn = roles.filter(({ id = '' }) => isRoot(id));
  for (const more of builtIn) {
    for (const less of builtIn) {
      const held = new Set(less.capabilities);
      const beyond = (more.capabilities ?? []).filter((one) => !held.has(one));
      if (beyond.length > most) worth.set(keyOf(beyond), `what ${more.name} has and ${less.name} has not`);
    }
  }
  for (const { name, capabilities = [] } of roles) {
    if (capabilities.length > 3) worth.set(keyOf(capabilities), `all of the role ${name}`);
  }
  return worth;
}

const keyOf = (capabilities: readonly string[]) => [...capabilities].sort().join();

export const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;
