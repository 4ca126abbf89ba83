// Certificate authorities as values of inputs. Guarantees: an id passes through untouched; a name that several places have is
// asked about.

import type { IamSigstore } from '../../api/schema/types/iam.gen.ts';
import type { Context } from '../../cli/context.ts';
import type { Chosen, Kind } from '../../cli/inputs/kind.ts';
import { listedBelow, namedAmong, toldApart } from '../../cli/inputs/named-things.ts';
import { notEmpty, type Reference, toReference } from '../../cli/inputs/references.ts';
import type { Candidate } from '../../cli/prompts/question.ts';
import { CliError } from '../../errors.ts';

export const visibleAuthorities = listedBelow<IamSigstore>(
  async (context, filter) => (await (await context.api()).call('iam.v1.SigstoreService.List', filter)).items,
);

export const authority: Kind<IamSigstore> = {
  metavar: 'SIGSTORE',
  noun: 'certificate authority',
  parse: notEmpty,
  async resolve(context, text, chosen) {
    const authorities = await visibleAuthorities(context, (chosen['group'] as Reference | undefined)?.id);
    const exact = authorities.filter(({ id }) => id === text);
    return namedAmong(context, text, authorities, { noun: 'certificate authority', exact, candidate: named });
  },
  nothing: 'make one with `chainctl sigstore ca create`',
  async candidates(context, chosen) {
    const authorities = await visibleAuthorities(context, (chosen['group'] as Reference | undefined)?.id);
    return toldApart(context, authorities, candidate);
  },
};

const candidate = (each: IamSigstore): Candidate<IamSigstore> => ({
  value: each,
  label: each.name ?? '',
  ...(each.description ? { description: each.description } : {}),
  text: each.name ?? '',
});
const named = (each: IamSigstore): Candidate<Reference> => ({ ...candidate(each), value: toReference(each) });

/** The only one there is: what `eval "$(…)"` means, where nobody can be asked. Throws when there is none. */
export async function soleAuthority(context: Context, chosen: Chosen): Promise<Candidate<IamSigstore> | undefined> {
  const [first, ...others] = await visibleAuthorities(context, (chosen['group'] as Reference | undefined)?.id);
  if (first !== undefined) return others.length === 0 ? candidate(first) : undefined;
  throw new CliError('not-found', 'There is no certificate authority', {
    code: 'not-found.certificate-authority',
    hint: 'make one with `chainctl sigstore ca create`',
  });
}

/**
 * Returns where it answers. The platform says the host; whether it speaks TLS is as for the API. Throws when it says
 * none.
 */
export function urlOf(context: Context, { name = '', hostname = '' }: IamSigstore): string {
  const { protocol } = new URL(context.config.get('platform.api'));
  if (/^[\w.:[\]/-]+$/.test(hostname)) return `${protocol}//${hostname}`;
  throw new CliError('api', `The platform says no address for the certificate authority "${name}"`, {
    code: 'sigstore.no-address',
  });
}
