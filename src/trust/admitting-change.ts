// The change of a rule that admits one token, and what else it lets in. Guarantees: pure; what differs becomes literal,
// so that the change admits no more than it must; a claim is left out only where the token has nothing that could be
// compared.

import { githubIssuer, gitlabIssuer } from '../api/identity-rules.ts';
import type { IamIdentityClaimMatch } from '../api/schema/types/iam.gen.ts';
import { buildkiteIssuer } from './ci-claims.ts';
import type { Comparison, TokenClaims } from './claim-match.ts';

/** Changes, by the members of a rule; a missing one stays. */
export interface AdmittingChange {
  readonly issuer?: string;
  readonly subject?: string;
  readonly audience?: string;
  /** An empty pattern takes the claim out of the rule. */
  readonly claimPatterns?: Readonly<Record<string, string>>;
}

/** Returns undefined where nothing differs, or where the token lacks what every rule needs: an audience. */
export function admittingChange(compared: readonly Comparison[]): AdmittingChange | undefined {
  const change: { -readonly [K in keyof AdmittingChange]: AdmittingChange[K] } = {};
  const patterns: Record<string, string> = {};
  for (const { what, name, found, difference } of compared) {
    if (difference === undefined) continue;
    const [text] = found.texts;
    if (what === 'claim') patterns[name] = text === undefined || text === '' ? '' : literalPattern(text);
    else if (text === undefined || text === '') return undefined;
    else change[what] = text;
  }
  if (Object.keys(patterns).length > 0) change.claimPatterns = patterns;
  return Object.keys(change).length > 0 ? change : undefined;
}

/** A comma stands in brackets: outside of them it begins the next claim of a flag. */
const literalPattern = (text: string) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&').replaceAll(',', '[,]');

/** Returns who else gets in once the rule is changed so, a clause each. `before` is the rule that is changed. */
export function alsoAdmitted(
  change: AdmittingChange,
  before: IamIdentityClaimMatch,
  { issuer, subject }: TokenClaims,
): string[] {
  const stays = (literal: string | undefined, pattern: string | undefined) =>
    literal === undefined ? pattern : undefined;
  const openSubject = change.subject === undefined ? stays(before.subject, before.subjectPattern) : undefined;
  const openIssuer = change.issuer === undefined ? stays(before.issuer, before.issuerPattern) : undefined;
  const openAudience = change.audience === undefined ? stays(before.audience, before.audiencePattern) : undefined;
  return [
    openSubject === undefined ? everyTokenOf(issuer, subject) : `every subject that matches ${openSubject}`,
    ...(openIssuer === undefined ? [] : [`tokens of every issuer that matches ${openIssuer}`]),
    ...(openAudience === undefined ? [] : [`tokens for every audience that matches ${openAudience}`]),
    ...Object.entries(change.claimPatterns ?? {})
      .filter(([, pattern]) => pattern === '')
      .map(([claim]) => `tokens with any "${claim}", because this one has none that can be compared`),
  ];
}

/** Returns whose tokens have this issuer and subject. */
function everyTokenOf(issuer: string, subject: string): string {
  if (issuer === githubIssuer) return everyRunOf(subject);
  const [, project, kind, ref] = /^project_path:(.+):ref_type:(branch|tag):ref:(.+)$/.exec(subject) ?? [];
  if (issuer === gitlabIssuer && project !== undefined) {
    return `every job of ${project} on the ${kind} ${ref}, no matter who starts it`;
  }
  const [, organization, pipeline, commit] =
    /^organization:([^:]+):pipeline:([^:]+):ref:.*:commit:([^:]+):step:/.exec(subject) ?? [];
  if (issuer === buildkiteIssuer && commit !== undefined) {
    return `every try of this step of ${organization}/${pipeline} at the commit ${commit}, and not the next commit`;
  }
  const [, circleProject, user] = /^org\/[^/]+\/project\/([^/]+)\/user\/([^/]+)/.exec(subject) ?? [];
  if (issuer.startsWith('https://oidc.circleci.com/') && user !== undefined) {
    return `every job of project ${circleProject} that user ${user} starts, on any branch`;
  }
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(subject) ?? [];
  if (account !== undefined) return `every pod of ${issuer} that runs as the service account ${namespace}/${account}`;
  return `every token of ${issuer} with this subject`;
}

function everyRunOf(subject: string): string {
  const [, repo = '', rest = ''] = /^repo:([^:]+):(.*)$/s.exec(subject) ?? [];
  if (repo === '') return 'every workflow run with this subject';
  const later = repo.includes('@') ? '' : '; also those of anyone who takes that name later';
  const [, environment] = /^environment:(.*)$/s.exec(rest) ?? [];
  if (environment !== undefined) {
    return `every job of ${repo} in the environment ${environment}, on any branch and for any event${later}`;
  }
  if (rest === 'pull_request')
    return `every workflow run for a pull request of ${repo}, no matter who opened it${later}`;
  const [, ref] = /^ref:(.*)$/s.exec(rest) ?? [];
  if (ref !== undefined)
    return `every workflow run of ${repo} on ${ref}, whatever its workflow, event and actor${later}`;
  return `every workflow run with this subject${later}`;
}

/** Returns whom the rule admits now and would not any more, a clause each. */
export function noLongerAdmitted(change: AdmittingChange, before: IamIdentityClaimMatch): string[] {
  const lost = (what: string, isChanged: boolean, literal: string | undefined, pattern: string | undefined) => {
    if (!isChanged) return [];
    if (pattern !== undefined) return [`other ${what} that match ${pattern}`];
    return literal === undefined ? [] : [`the ${what.replace(/s$/, '')} ${literal}`];
  };
  return [
    ...lost('issuers', change.issuer !== undefined, before.issuer, before.issuerPattern),
    ...lost('subjects', change.subject !== undefined, before.subject, before.subjectPattern),
    ...lost('audiences', change.audience !== undefined, before.audience, before.audiencePattern),
    ...(change.audience !== undefined && before.audience === undefined && before.audiencePattern === undefined
      ? ['the address of the token issuer as audience']
      : []),
    ...Object.entries(change.claimPatterns ?? {})
      .filter(([, pattern]) => pattern !== '')
      .map(([claim]) => `any other "${claim}"`),
  ];
}
