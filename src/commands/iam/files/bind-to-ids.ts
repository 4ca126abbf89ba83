// Turns a GitHub rule that trusts names into one that trusts this repository alone.

import { askGithub } from '../../../api/github.ts';
import { githubRule } from '../../../api/github-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';

/** Returns why it stays as it is, as a clause; undefined when it was changed. */
export async function bindToIds(context: Context, identity: IamIdentity): Promise<string | undefined> {
  const rule = identity.claimMatch ?? {};
  const [, repo, ref] = /^repo:([^@:/]+\/[^@:/]+):ref:(.+)$/.exec(rule.subject ?? '') ?? [];
  if (repo === undefined || ref === undefined) return 'its subject is not that of a branch or tag';
  const simulator = new URL(context.config.get('platform.issuer')).origin;
  const answer = await askGithub(context.host, { repo, simulator, signal: context.signal });
  if ('reason' in answer) return answer.reason;
  const { subject: _name, ...kept } = rule;
  const { claims, ...bound } = githubRule({ repo: answer.repository, ref });
  const { createdAt: _created, updatedAt: _updated, lastSeen: _seen, ...message } = identity;
  await (await context.api()).call('iam.v1.Identities.Update', {
    ...message,
    claimMatch: { ...kept, ...bound, claims: { ...kept.claims, ...claims } },
  });
  return undefined;
}
