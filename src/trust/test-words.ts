// The `iam identities test` line for a token that is not at hand where the line is typed. Guarantees:
// pure; never holds the token; each word is one for every shell.

import { githubIssuer, gitlabIssuer } from '../api/identity-rules.ts';
import { buildkiteIssuer } from './ci-claims.ts';
import type { TokenClaims } from './claim-match.ts';

/** Words behind `chainctl iam identities test IDENTITY`: the job where they can tell it, else a file to be named. */
export function testWords(token: TokenClaims, defaultAudience: string): string[] {
  const { issuer, audiences } = token;
  const job = jobOf(token);
  if (job === undefined) return ['--token=TOKEN_FILE'];
  const [audience = defaultAudience] = audiences;
  const usual =
    issuer === gitlabIssuer
      ? gitlabIssuer
      : issuer.startsWith(circleci)
        ? issuer.slice(circleci.length)
        : defaultAudience;
  const words = [...job, ...(audience === usual ? [] : [`--token-audience=${audience}`])];
  return words.every((word) => /^[\w@%+=:,./-]+$/.test(word)) ? words : ['--token=TOKEN_FILE'];
}

const circleci = 'https://oidc.circleci.com/org/';

function jobOf({ issuer, subject, all }: TokenClaims): string[] | undefined {
  const text = (name: string) => (typeof all[name] === 'string' ? String(all[name]) : '');
  if (issuer === githubIssuer) {
    const [, owner = '', ownerId, name = '', id] =
      /^repo:([^/:@]+)(?:@(\d+))?\/([^/:@]+)(?:@(\d+))?:/.exec(subject) ?? [];
    if (name === '') return undefined;
    const hasIds = ownerId !== undefined && id !== undefined;
    return [
      `--github=${hasIds ? `${owner}@${ownerId}/${name}@${id}` : `${owner}/${name}`}`,
      ...(hasIds ? [] : ['--subject-form=names']),
      ...(text('ref') === '' ? [] : [`--ref=${text('ref')}`]),
      ...(text('environment') === '' ? [] : [`--environment=${text('environment')}`]),
      ...(text('event_name') === '' || text('event_name') === 'push' ? [] : [`--event=${text('event_name')}`]),
    ];
  }
  if (issuer === gitlabIssuer && text('project_path') !== '') {
    const ref = text('ref_type') === 'tag' ? `refs/tags/${text('ref')}` : text('ref');
    return [`--gitlab=${text('project_path')}`, `--ref=${ref}`];
  }
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(subject) ?? [];
  if (account !== undefined) return [`--kubernetes=${namespace}/${account}`, `--cluster-issuer=${issuer}`];
  const [, organization, project, user] = /^org\/([^/]+)\/project\/([^/]+)\/user\/([^/]+)$/.exec(subject) ?? [];
  if (issuer.startsWith(circleci) && user !== undefined) {
    return [`--circleci=${organization}/${project}/${user}`, `--ref=${text('oidc.circleci.com/vcs-ref') || 'main'}`];
  }
  const [, org, pipeline, ref] = /^organization:([^:]+):pipeline:([^:]+):ref:(.+):commit:/.exec(subject) ?? [];
  if (issuer === buildkiteIssuer && ref !== undefined) return [`--buildkite=${org}/${pipeline}`, `--ref=${ref}`];
  return undefined;
}
