// The rule of an identity as it will match: what a token has to say, a line each.

import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';

interface Line {
  readonly of: string;
  readonly how: 'is' | 'matches';
  readonly values: readonly string[];
}

/** The lines of a rule; `issuer`: of the platform, whose audience counts where the rule names none. */
function* linesOf(identity: IamIdentity, issuer: string): Generator<Line> {
  const { claimMatch: rule, static: keys, awsIdentity: aws, servicePrincipal } = identity;
  const line = function* (of: string, literal: string | undefined, pattern: string | undefined): Generator<Line> {
    if (literal) yield { of, how: 'is', values: [literal] };
    else if (pattern) yield { of, how: 'matches', values: [pattern] };
  };
  const ownAudiences = [issuer, new URL(issuer).host];
  if (rule !== undefined) {
    yield* line('Issuer', rule.issuer, rule.issuerPattern);
    yield* line('Subject', rule.subject, rule.subjectPattern);
    if (rule.audience || rule.audiencePattern) yield* line('Audience', rule.audience, rule.audiencePattern);
    else yield { of: 'Audience', how: 'is', values: ownAudiences };
    for (const [name, value] of Object.entries(rule.claims ?? {})) yield* line(`Claim ${name}`, value, undefined);
    for (const [name, value] of Object.entries(rule.claimPatterns ?? {}))
      yield* line(`Claim ${name}`, undefined, value);
  }
  if (keys !== undefined) {
    yield* line('Issuer', keys.issuer, undefined);
    yield* line('Subject', keys.subject, undefined);
    const audiences = keys.audiences ?? [];
    yield { of: 'Audience', how: 'is', values: audiences.length > 0 ? audiences : ownAudiences };
    yield { of: 'Signature', how: 'is', values: ['by a key that the identity holds'] };
  }
  if (aws !== undefined) {
    yield* line('AWS account', aws.awsAccount, undefined);
    yield* line('ARN', aws.arn, aws.arnPattern);
    yield* line('User ID', aws.userId, aws.userIdPattern);
  }
  if (servicePrincipal) yield { of: 'Service', how: 'is', values: [String(servicePrincipal)] };
}

export function Rule({ identity, issuer }: { readonly identity: IamIdentity; readonly issuer: string }) {
  return (
    <dl class="facts">
      {[...linesOf(identity, issuer)].map(({ of, how, values }) => (
        <>
          <dt>{of}</dt>
          <dd>
            {how}{' '}
            {values.map((value, at) => (
              <>
                {at > 0 && ' or '}
                <code>{value}</code>
              </>
            ))}
          </dd>
        </>
      ))}
    </dl>
  );
}
