import { compact } from '../../api/compact.ts';
import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { organization, type Reference } from '../../cli/inputs/references.ts';
import { boolean, choice } from '../../cli/inputs/values.ts';
import { printable } from '../../cli/io.ts';
import { CliError } from '../../errors.ts';
import {
  type Finding,
  findingsIn,
  remedies,
  rules,
  type Severity,
  severities,
} from '../../organization/audit/findings.ts';
import { bindToIds } from './files/bind-to-ids.ts';
import { readState, unseenIn } from './files/state.ts';

interface Audit {
  readonly finding: Finding;
  readonly failOn: Severity | undefined;
}

const levels = { high: 'error', medium: 'warning', low: 'note' } as const;

const auditView = defineView<Audit>({
  id: ({ finding }) => finding.id,
  columns: [
    {
      head: 'SEVERITY',
      value: ({ finding }) => finding.severity,
      state: ({ finding }) =>
        finding.severity === 'high' ? 'fail' : finding.severity === 'medium' ? 'warn' : undefined,
    },
    { head: 'RULE', rank: 1, value: ({ finding }) => finding.rule },
    { head: 'ABOUT', value: ({ finding }) => finding.about },
    { head: 'FINDING', value: ({ finding }) => finding.message },
    { head: 'ID', id: true, value: ({ finding }) => finding.id, wide: true },
  ],
  json: ({ finding: { rule, severity, about, id, message, token, steps } }) =>
    compact({ rule, severity, about, id, message, token, ...(steps === undefined ? {} : { steps: [...steps] }) }),
  envelope: 'items',
  sarif: ({ finding }) => ({
    ruleId: finding.rule,
    rule: rules[finding.rule],
    help: remedies[finding.rule],
    level: levels[finding.severity],
    message: `${finding.about}: ${finding.message}`,
    place: finding.id,
  }),
  empty: 'No findings.',
});

/** At least as severe. */
const reaches = (severity: Severity, limit: Severity) => severities.indexOf(severity) <= severities.indexOf(limit);

export default defineCommand({
  path: ['iam', 'audit'],
  summary: 'Find what is dangerous in who may do what.',
  description:
    'Identities that strangers can assume (with a token that gets in), ways to become an owner, rules that trust the name of a ' +
    'repository alone, keys without an end, and custom roles that can grant access. Only lists are read.',
  lists: true,
  inputs: {
    parent: {
      kind: organization,
      aliases: ['group'],
      required: true,
      config: 'default.group',
      help: 'Organization to look at.',
      question: 'Which organization?',
    },
    failOn: { kind: choice(...severities), help: 'Exit 1 when there is a finding of this severity or above.' },
    fix: {
      kind: boolean,
      help: 'Bind rules that trust a GitHub name alone to the ids of the repository, and say which.',
    },
  },
  examples: [
    { text: 'Everything', args: '--parent=example.com' },
    { text: 'In CI', args: '--parent=example.com --fail-on=high --output=sarif' },
  ],
  view: auditView,
  formats: ['table', 'json', 'sarif', 'markdown', 'csv', 'wide', 'id'],
  exitError: (results) => {
    const failed = results.filter(({ finding, failOn }) => failOn !== undefined && reaches(finding.severity, failOn));
    if (failed.length === 0) return undefined;
    const count = failed.length === 1 ? '1 finding' : `${failed.length} findings`;
    return new CliError('permission', `${count} of the severity that --fail-on names or above`, {
      code: 'access.audit',
    });
  },
  run: async (context, { parent, failOn, fix }) => {
    for (const sentence of await unseenIn(context, parent)) context.io.warn(sentence);
    const found = await audited(context, parent);
    const left = fix ? await fixed(context, parent, found) : found;
    return left.map((finding) => ({ finding, failOn }));
  },
});

async function audited(context: Context, parent: Reference): Promise<Finding[]> {
  const api = await context.api();
  const [state, invites] = await Promise.all([readState(context, parent), invitesOf(parent.id)]);
  return findingsIn({ state, invites, now: context.host.now(), audience: context.config.get('platform.issuer') });

  async function invitesOf(group: string) {
    try {
      return (await api.call('iam.v1.GroupInvites.List', { group })).items ?? [];
    } catch (error) {
      // A caller who may list everything else need not be allowed to list invites.
      if (error instanceof CliError && error.kind === 'permission') return [];
      throw error;
    }
  }
}

async function fixed(context: Context, parent: Reference, found: readonly Finding[]): Promise<Finding[]> {
  for (const { fixable, about } of found) {
    if (fixable === undefined) continue;
    const problem = await bindToIds(context, fixable);
    context.io.note(
      printable(
        problem === undefined
          ? `Bound the ${about} to the ids of its repository.`
          : `The ${about} stays as it is: ${problem}.`,
      ),
    );
  }
  return audited(context, parent);
}
