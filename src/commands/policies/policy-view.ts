import type { IamPolicy, IamPolicyVersion } from '../../api/schema/types/iam.gen.ts';
import { defineView } from '../../cli/define.ts';
import { sinceCell } from '../../cli/output/age.ts';

/** A policy and what its document says. */
export interface ShownPolicy {
  readonly policy: IamPolicy;
  /** Empty for a document that this version cannot read. */
  readonly mode: 'ENFORCED' | 'WARN' | '';
}

export async function shown(policies: readonly IamPolicy[]): Promise<ShownPolicy[]> {
  const { readPolicy } = await import('../../enforce/policy/document.ts');
  return policies.map((policy) => {
    try {
      return { policy, mode: readPolicy(policy.document ?? '').policy.mode === 'warn' ? 'WARN' : 'ENFORCED' };
    } catch {
      return { policy, mode: '' };
    }
  });
}

export const policyView = defineView<ShownPolicy>({
  id: ({ policy }) => policy.id ?? '',
  columns: [
    { head: 'ID', id: true, value: ({ policy }) => policy.id },
    { head: 'NAME', value: ({ policy }) => policy.name },
    { head: 'DESCRIPTION', rank: 1, value: ({ policy }) => policy.description },
    {
      head: 'MODE',
      value: ({ mode }) => mode,
      state: ({ mode }) => (mode === 'WARN' ? 'warn' : undefined),
    },
    { head: 'ENFORCED VERSION', wide: true, value: ({ policy }) => policy.enforcedVersion?.label },
    { head: 'CREATED', wide: true, value: ({ policy }, cell) => sinceCell(policy.createdAt, cell) },
    { head: 'UPDATED', wide: true, value: ({ policy }, cell) => sinceCell(policy.updatedAt, cell) },
    { head: 'AUTHOR', wide: true, value: ({ policy }) => policy.enforcedVersion?.author?.email },
  ],
  json: ({ policy }) => policy,
  envelope: 'items',
  empty: 'No policies found.',
});

export interface AppliedPolicy extends ShownPolicy {
  readonly change: 'Created' | 'Updated' | 'Unchanged';
}

/** As the guide of May 2022 shows it; later ones show the table. */
export const appliedView = defineView<AppliedPolicy>({
  ...(policyView as object),
  text: ({ policy, change }) =>
    change === 'Unchanged' ? `Policy ${policy.id} is as it was\n` : `${change} policy ${policy.id}\n`,
});

export const versionView = defineView<IamPolicyVersion & { readonly enforced?: boolean }>({
  id: ({ id = '' }) => id,
  columns: [
    { head: 'ID', id: true, value: ({ id }) => id },
    { head: 'VERSION', value: ({ label }) => label },
    { head: 'ENFORCED', value: ({ enforced }) => (enforced ? 'yes' : '') },
    { head: 'CREATED', rank: 1, value: ({ createdAt }, cell) => sinceCell(createdAt, cell) },
    { head: 'AUTHOR', rank: 2, value: ({ author }) => author?.email || author?.id },
  ],
  json: ({ enforced: _enforced, ...version }) => version,
  text: ({ document = '' }) => (document.endsWith('\n') ? document : `${document}\n`),
  envelope: 'items',
  empty: 'No versions found.',
});
