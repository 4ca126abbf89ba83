import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import { isUidp } from '../../../api/uidp.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { listedBelow, namedAmong } from '../../../cli/inputs/named-things.ts';
import {
  groupDirectory,
  notEmpty,
  placeAndEnd,
  type Reference,
  sharedIn,
  toReference,
  uniqueName,
} from '../../../cli/inputs/references.ts';
import { gather } from '../../../cli/output/format.ts';
import type { Candidate } from '../../../cli/prompts/question.ts';

/** Assumable identities the caller sees, below the chosen location when there is one. */
export const visibleIdentities = listedBelow<IamIdentity>(async (context, filter) =>
  gather((await context.api()).list('iam.v1.Identities.List', filter)),
);

/** An identity as it was looked up; by id alone nothing was. */
export interface IdentityReference extends Reference {
  readonly identity?: IamIdentity;
}

export const identity: Kind<IdentityReference> = {
  metavar: 'IDENTITY',
  noun: 'identity',
  parse: notEmpty,
  async resolve(context, text, chosen) {
    if (isUidp(text)) return { id: text, name: text };
    const identities = await visibleIdentities(context, (chosen['parent'] as Reference | undefined)?.id);
    const found = await namedAmong(context, text, identities, { noun: 'identity', candidate: identityCandidate });
    return toIdentityReference(found);
  },
  async candidates(context, chosen) {
    const identities = await visibleIdentities(context, (chosen['parent'] as Reference | undefined)?.id);
    const isShared = sharedIn(identities);
    const directory = await groupDirectory(context);
    return identities.map((each) => ({
      ...identityCandidate(each),
      ...uniqueName(each, isShared),
      ...(isShared(each) || !each.description ? { description: placeAndEnd(each.id ?? '', directory) } : {}),
    }));
  },
  // The command never guesses which identity is meant: the only one there is may be the wrong one to delete.
  onlyCandidate: async () => undefined,
};

const toIdentityReference = (each: IamIdentity): IdentityReference => ({ ...toReference(each), identity: each });

const identityCandidate = (each: IamIdentity): Candidate<IdentityReference> => ({
  value: toIdentityReference(each),
  label: each.name ?? '',
  description: each.description || (each.id ?? ''),
  text: each.id ?? '',
});
