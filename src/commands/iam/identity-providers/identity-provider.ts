import type { IamIdentityProvider } from '../../../api/schema/types/iam.gen.ts';
import { isUidp } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { listedBelow, namedAmong } from '../../../cli/inputs/named-things.ts';
import { notEmpty, type Reference, sharedIn, toReference, uniqueName } from '../../../cli/inputs/references.ts';
import type { Candidate } from '../../../cli/prompts/question.ts';

/** An identity provider as it was looked up; by id alone nothing was. */
export interface IdentityProviderReference extends Reference {
  readonly provider?: IamIdentityProvider;
}

/** Those the caller sees, below the chosen location when there is one. */
const visibleIdentityProviders = listedBelow<IamIdentityProvider>(
  async (context, filter) => (await (await context.api()).call('iam.v1.IdentityProviders.List', filter)).items,
);

/** Name of an identity provider by id; the id of one that the caller does not see. */
export async function identityProviderName(context: Context, id: string): Promise<string> {
  return (await visibleIdentityProviders(context)).find((one) => one.id === id)?.name || id;
}

export const identityProvider: Kind<IdentityProviderReference> = {
  metavar: 'IDENTITY_PROVIDER',
  noun: 'identity provider',
  parse: notEmpty,
  async resolve(context, text, chosen) {
    if (isUidp(text)) return { id: text, name: text };
    const providers = await visibleIdentityProviders(context, (chosen['parent'] as Reference | undefined)?.id);
    const found = await namedAmong(context, text, providers, {
      noun: 'identity provider',
      candidate: identityProviderCandidate,
    });
    return { ...toReference(found), provider: found };
  },
  nothing: 'create one with `chainctl iam identity-providers create`',
  async candidates(context, chosen) {
    const parent = (chosen['parent'] as Reference | undefined)?.id;
    const providers = await visibleIdentityProviders(context, parent);
    const isShared = sharedIn(providers);
    return providers.map((each) => ({ ...identityProviderCandidate(each), ...uniqueName(each, isShared) }));
  },
};

const identityProviderCandidate = (each: IamIdentityProvider): Candidate<IdentityProviderReference> => ({
  value: { ...toReference(each), provider: each },
  label: each.name ?? '',
  description: each.description || (each.id ?? ''),
  text: each.id ?? '',
});
