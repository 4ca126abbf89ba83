// Plans and applies documents. Guarantees: a policy is found by its name at the location; one that is as it
// should be is left alone.

import type { IamPolicy } from '../../api/schema/types/iam.gen.ts';
import type { Context } from '../../cli/context.ts';
import type { Reference } from '../../cli/inputs/references.ts';
import type { PolicyDocument } from '../../enforce/policy/types.ts';
import { type AppliedPolicy, shown } from './policy-view.ts';

export interface Step {
  readonly document: PolicyDocument;
  readonly before: IamPolicy | undefined;
  readonly change: AppliedPolicy['change'];
}

export async function stepsOf(
  context: Context,
  group: Reference,
  documents: readonly PolicyDocument[],
  description: string | undefined,
): Promise<Step[]> {
  const { items = [] } = await (await context.api()).call('iam.v1.Policies.List', { uidp: { childrenOf: group.id } });
  return documents.map((document) => {
    const before = items.find(({ name }) => name === document.policy.name);
    const isSame =
      before?.document === document.text && (description === undefined || before.description === description);
    return { document, before, change: before === undefined ? 'Created' : isSame ? 'Unchanged' : 'Updated' };
  });
}

/** Does one after the other; what was done is printed when a later one fails. */
export async function* applySteps(
  context: Context,
  group: Reference,
  steps: readonly Step[],
  description: string | undefined,
): AsyncGenerator<AppliedPolicy> {
  const api = await context.api();
  const said = description === undefined ? {} : { description };
  for (const { document, before, change } of steps) {
    const policy =
      before === undefined
        ? await api.call('iam.v1.Policies.Create', {
            parentId: group.id,
            policy: { name: document.policy.name, document: document.text, ...said },
          })
        : change === 'Unchanged'
          ? before
          : await api.call('iam.v1.Policies.Update', { id: before.id ?? '', document: document.text, ...said });
    const [one] = await shown([policy]);
    if (one !== undefined) yield { ...one, change };
  }
}
