// Policies and their versions as values of inputs. Guarantees: an id passes through untouched; a name that several places
// have is asked about.

import type { IamPolicy, IamPolicyVersion } from '../../api/schema/types/iam.gen.ts';
import { isUidp, parentOf } from '../../api/uidp.ts';
import type { Context } from '../../cli/context.ts';
import type { Chosen, Kind } from '../../cli/inputs/kind.ts';
import { listedBelow, namedAmong, toldApart } from '../../cli/inputs/named-things.ts';
import { notEmpty, type Reference, toReference } from '../../cli/inputs/references.ts';
import type { Candidate } from '../../cli/prompts/question.ts';
import { remembered } from '../../cli/remembered.ts';
import { CliError } from '../../errors.ts';

export const visiblePolicies = listedBelow<IamPolicy>(
  async (context, filter) => (await (await context.api()).call('iam.v1.Policies.List', filter)).items,
);

export const policy: Kind<Reference> = {
  metavar: 'POLICY',
  noun: 'policy',
  parse: notEmpty,
  async resolve(context, text, chosen) {
    if (isUidp(text)) return { id: text, name: text };
    const policies = await visiblePolicies(context, (chosen['group'] as Reference | undefined)?.id);
    return toReference(await namedAmong(context, text, policies, { noun: 'policy', candidate }));
  },
  nothing: 'apply one with `chainctl policies apply -f FILE`',
  candidates: async (context) => toldApart(context, await visiblePolicies(context), candidate),
  // The only policy there is may not be the one that is meant to go.
  onlyCandidate: async () => undefined,
};

const candidate = (each: IamPolicy): Candidate<Reference> => ({
  value: toReference(each),
  label: each.name ?? '',
  ...(each.description ? { description: each.description } : {}),
  text: each.name ?? '',
});

export async function findPolicy(context: Context, id: string): Promise<IamPolicy> {
  const { items = [] } = await (await context.api()).call('iam.v1.Policies.List', { id });
  if (items[0] !== undefined) return items[0];
  throw new CliError('not-found', `Policy "${id}" not found`, { code: 'not-found.policy' });
}

/** The newest first. */
export const versionsOf = remembered(
  async (context: Context, policyId: string): Promise<readonly IamPolicyVersion[]> => {
    const { items = [] } = await (await context.api()).call('iam.v1.Policies.ListVersions', { policyId });
    return items;
  },
  (policyId) => policyId,
);

/** By id; of the policy chosen before also by its label, such as `v2`, or from a list. */
export const version: Kind<IamPolicyVersion> = {
  metavar: 'VERSION_ID',
  noun: 'version',
  parse: notEmpty,
  looksUpIds: true,
  async resolve(context, text, chosen) {
    const versions = await versionsOf(context, isUidp(text) ? parentOf(text) : requirePolicy(text, chosen));
    const found = versions.find(({ id, label }) => id === text || label === text);
    if (found !== undefined) return found;
    throw new CliError('not-found', `No version found for "${text}"`, { code: 'not-found.version' });
  },
  nothing: 'apply a policy with `chainctl policies apply -f FILE`',
  async candidates(context, chosen) {
    const id = (chosen['policy'] as Reference | undefined)?.id;
    const policies = id === undefined ? await visiblePolicies(context) : [await findPolicy(context, id)];
    const all = await Promise.all(
      policies.map(async (each) => ({ each, versions: await versionsOf(context, each.id ?? '') })),
    );
    return all.flatMap(({ each, versions }) =>
      versions.map((one) => ({
        value: one,
        label: `${each.name} ${one.label}`,
        description: `${one.createdAt ?? ''} ${one.author?.email ?? ''}`.trim(),
        text: one.id ?? '',
      })),
    );
  },
  onlyCandidate: async () => undefined,
};

function requirePolicy(text: string, chosen: Chosen): string {
  const id = (chosen['policy'] as Reference | undefined)?.id;
  if (id !== undefined) return id;
  throw new CliError('usage', `"${text}" is not the id of a version`, {
    code: 'usage.version-id',
    hint: 'say which policy it is of with `--policy`, or see `chainctl policies versions list`',
  });
}
