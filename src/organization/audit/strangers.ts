// A token of somebody else that an identity admits. Guarantees: pure; tried with the matcher that the platform uses, so
// what is found really gets in; issuers that only one organization has are trusted for all their subjects.

import { githubIssuer, gitlabIssuer } from '../../api/identity-rules.ts';
import type { IamIdentity, IamIdentityClaimMatch } from '../../api/schema/types/iam.gen.ts';
import { matchClaims } from '../../trust/claim-match.ts';

/** Claims of a token. */
export interface ExampleToken {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  readonly claims: Readonly<Record<string, string>>;
}

const buildkite = 'https://agent.buildkite.com';
const google = 'https://accounts.google.com';
/** Issuers that sign for anybody. */
const shared = [githubIssuer, gitlabIssuer, buildkite, google] as const;

/** The first token of a stranger that gets in; undefined when none of those that were tried does. */
export function strangerAdmitted({ claimMatch: rule }: IamIdentity, defaultAudience: string): ExampleToken | undefined {
  if (rule === undefined) return undefined;
  const audience = rule.audience || defaultAudience;
  for (const { issuer, subject, claims = {} } of candidates(rule)) {
    const audiences = rule.audiencePattern ? [audience, issuer, 'sigstore', 'https://stranger.example'] : [audience];
    for (const one of audiences) {
      const token = { issuer, subject, audience: one, claims };
      const all = { ...claims, iss: issuer, sub: subject, aud: one };
      const reason = matchClaims(rule, { issuer, subject, audiences: [one], all }, [defaultAudience], false);
      if (reason === undefined) return token;
    }
  }
  return undefined;
}

interface Candidate {
  readonly issuer: string;
  readonly subject: string;
  readonly claims?: Readonly<Record<string, string>>;
}

function* candidates(rule: IamIdentityClaimMatch): Generator<Candidate> {
  const text = rule.subject ?? rule.subjectPattern ?? '';
  if (rule.issuerPattern) {
    // Whoever owns the domain behind the pattern is an issuer too.
    const host = rule.issuerPattern.replace(/^\^/, '').split(/[([*+?{|^$]/)[0] ?? '';
    const start =
      host
        .replace(/\\(.)/g, '$1')
        .replace(/\.$/, '')
        .replace(/\/.*(?<!:\/)$/, '') || 'https://issuer';
    const foreign = ['https://issuer.stranger.example', `${start}.stranger.example`, `${start}-stranger.example`];
    for (const issuer of foreign) {
      for (const subject of ['stranger', text, unescaped(text)]) yield { issuer, subject };
    }
  }
  for (const issuer of shared) {
    if (rule.issuer !== undefined && rule.issuer !== issuer) continue;
    if (issuer === githubIssuer) yield* githubTokens(text);
    else if (issuer === gitlabIssuer) yield* gitlabTokens(text);
    else if (issuer === google)
      yield {
        issuer,
        subject: '113774264463038321964',
        claims: { email: 'stranger@stranger.example', email_verified: 'true' },
      };
    else {
      const slug = 'stranger';
      const subject = `organization:${slug}:pipeline:app:ref:refs/heads/main:commit:${'0'.repeat(40)}:step:build`;
      yield { issuer, subject, claims: { organization_slug: slug, pipeline_slug: 'app' } };
    }
  }
}

/** Names near those of the rule: a pattern that forgets where a name ends admits them. */
function owners(own: string): string[] {
  return own === '' ? ['stranger'] : ['stranger', `${own}-stranger`, `${own}stranger`, `stranger-${own}`];
}

function* githubTokens(text: string): Generator<Candidate> {
  const [, own = ''] = /repo:(?:\(\?:)?([\w-]+)/.exec(text) ?? [];
  const [, name = 'app'] = /repo:[^/]*\/([\w\\.-]+)/.exec(text) ?? [];
  const ref = /(refs\/[\w./-]+)/.exec(unescaped(text))?.[1] ?? 'refs/heads/main';
  const repository = unescaped(name).replace(/[^\w.-].*$/, '') || 'app';
  for (const owner of owners(unescaped(own))) {
    for (const end of [`ref:${ref}`, 'ref:refs/heads/main', 'environment:production', 'pull_request']) {
      const claims = {
        repository: `${owner}/${repository}`,
        repository_owner: owner,
        repository_id: '999000001',
        repository_owner_id: '999000002',
        ref,
      };
      yield { issuer: githubIssuer, subject: `repo:${owner}/${repository}:${end}`, claims };
      const withIds = `repo:${owner}@999000002/${repository}@999000001:${end}`;
      yield { issuer: githubIssuer, subject: withIds, claims };
    }
  }
}

function* gitlabTokens(text: string): Generator<Candidate> {
  const [, own = ''] = /project_path:(?:\(\?:)?([\w-]+)/.exec(text) ?? [];
  const [, name = 'app'] = /project_path:[^/]*\/([\w\\./-]+)/.exec(text) ?? [];
  const ref = /:ref:(?:\(\?:)?([\w\\./-]+)/.exec(text)?.[1] ?? 'main';
  for (const owner of owners(unescaped(own))) {
    const path = `${owner}/${unescaped(name)}`;
    for (const kind of ['branch', 'tag']) {
      for (const one of [unescaped(ref), 'main']) {
        const claims = { project_path: path, namespace_path: owner, ref: one, ref_type: kind };
        yield { issuer: gitlabIssuer, subject: `project_path:${path}:ref_type:${kind}:ref:${one}`, claims };
      }
    }
  }
}

const unescaped = (pattern: string) => pattern.replace(/\\(.)/g, '$1');
