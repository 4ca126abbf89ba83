import { RE2JS } from 're2js';
import { describe, expect, test } from 'vitest';
import { awsRoleRule, awsUserRule } from '../../src/api/aws-rules.ts';
import { patternProblem, patternWarning, readClaimPatterns } from '../../src/api/claim-patterns.ts';
import { githubProblems, githubRule, githubWarnings, repositoryIn } from '../../src/api/github-rules.ts';
import { gitlabProblems, gitlabRule, gitlabWarnings } from '../../src/api/gitlab-rules.ts';
import { issuerOf, pullTokenIssuer, servicePrincipals, typeOf } from '../../src/api/identity-rules.ts';
import { iamSchema } from '../../src/api/schema/messages/iam.gen.ts';

/** As the platform matches: the whole value (protocols 3.4). */
const accepts = (pattern: string | undefined, value: string) => RE2JS.compile(pattern ?? '').matches(value);

describe('GitHub (Q13)', () => {
  test('plain repository and reference make a literal subject', () => {
    expect(githubRule({ repo: 'acme/app.js', ref: 'refs/heads/main' })).toEqual({
      issuer: 'https://token.actions.githubusercontent.com',
      subject: 'repo:acme/app.js:ref:refs/heads/main',
    });
  });

  test('where the ids are known, exactly that repository, in the forms that were asked for', () => {
    const repo = { owner: 'acme', ownerId: '1', name: 'a.b', id: '2' };
    const claims = { repository_id: '2', repository_owner_id: '1' };
    const issuer = 'https://token.actions.githubusercontent.com';
    const ref = 'refs/heads/main';
    expect(githubRule({ repo, form: 'names', ref })).toEqual({ issuer, claims, subject: `repo:acme/a.b:ref:${ref}` });
    expect(githubRule({ repo, form: 'ids', ref, audience: 'cgr.dev' })).toEqual({
      issuer,
      claims,
      subject: `repo:acme@1/a.b@2:ref:${ref}`,
      audience: 'cgr.dev',
    });
    const both = githubRule({ repo, form: 'both', ref });
    expect(both).toEqual({ issuer, claims, subjectPattern: both.subjectPattern });
    for (const subject of [`repo:acme/a.b:ref:${ref}`, `repo:acme@1/a.b@2:ref:${ref}`]) {
      expect(accepts(both.subjectPattern, subject)).toBe(true);
    }
    const others = ['acme/aXb', 'acme@1/a.b', 'acme/a.b@2', 'acme@1/aXb@2', 'acme@1/a.b@23'];
    for (const other of others) expect(accepts(both.subjectPattern, `repo:${other}:ref:${ref}`)).toBe(false);
    // Written in the flag they are known too; a pattern or a half of them is not.
    expect(githubRule({ repo: 'acme@1/a.b@2', ref })).toEqual(both);
    expect(repositoryIn('acme@1/a.b')).toBeUndefined();
    expect(repositoryIn('acme@1/.*@2')).toBeUndefined();
  });

  test('without a reference any workflow of exactly this repository', () => {
    const { subjectPattern } = githubRule({ repo: 'acme/app.js' });
    expect(subjectPattern).toBe('^repo:(?:acme/app\\.js):.*$');
    expect(accepts(subjectPattern, 'repo:acme/app.js:pull_request')).toBe(true);
    expect(accepts(subjectPattern, 'repo:acme/app.js:ref:refs/heads/x')).toBe(true);
    expect(accepts(subjectPattern, 'repo:acme/appxjs:pull_request')).toBe(false);
    expect(accepts(subjectPattern, 'repo:acme/app.js2:pull_request')).toBe(false);
  });

  test('alternatives stay inside their part', () => {
    const { subjectPattern } = githubRule({ repo: 'acme/(app|lib)', ref: 'refs/heads/main|refs/heads/stable' });
    expect(accepts(subjectPattern, 'repo:acme/lib:ref:refs/heads/stable')).toBe(true);
    expect(accepts(subjectPattern, 'repo:acme/lib:ref:refs/heads/main')).toBe(true);
    expect(accepts(subjectPattern, 'repo:evil/lib:ref:refs/heads/main')).toBe(false);
    expect(accepts(subjectPattern, 'refs/heads/stable')).toBe(false);
    expect(subjectPattern).toBe('^repo:(?:acme/(app|lib)):ref:(?:refs/heads/main|refs/heads/stable)$');
  });

  test('a plain part beside a pattern is escaped, and anchors at the ends are dropped', () => {
    expect(githubRule({ repo: 'acme/a.b', ref: '^refs/heads/.*$' }).subjectPattern).toBe(
      '^repo:(?:acme/a\\.b):ref:(?:refs/heads/.*)$',
    );
    expect(githubRule({ repo: '^acme/.*$', ref: 'refs/tags/v1.0' }).subjectPattern).toBe(
      '^repo:(?:acme/.*):ref:(?:refs/tags/v1\\.0)$',
    );
    // An escaped dollar is a character, not an anchor.
    expect(githubRule({ repo: 'acme/.*\\$' }).subjectPattern).toBe('^repo:(?:acme/.*\\$):.*$');
  });

  test('what can never match is a problem', () => {
    expect(githubProblems('acme/app', 'refs/heads/main')).toEqual([]);
    expect(githubProblems('acme', undefined)[0]).toContain('`--github-repo` must be OWNER/NAME, not "acme"');
    expect(githubProblems('acme/app/x', undefined)).toHaveLength(1);
    expect(githubProblems('acme@1/app', undefined)[0]).toContain('must be OWNER/NAME or OWNER@ID/NAME@ID');
    expect(githubProblems('acme@1/app@2', undefined)).toEqual([]);
    expect(githubProblems('acme/app', 'main')[0]).toContain('"refs/heads/main" is the branch');
    expect(githubProblems('acme/(app$|lib)', undefined)[0]).toContain('leave out "^" and "$"');
    expect(githubProblems('acme/[$^]', undefined)).toEqual([]);
  });

  test('what is rarely meant is a warning', () => {
    expect(githubWarnings('acme/app', 'refs/heads/main')).toEqual([]);
    expect(githubWarnings('acme(@[0-9]+)?/(app|lib)', 'refs/heads/(main|stable)')).toEqual([]);
    // Without room for the ids no token of a newer repository matches.
    expect(githubWarnings('acme/(app|lib)', undefined)).toEqual([expect.stringContaining('write "acme(@[0-9]+)?/…"')]);
    expect(accepts(githubRule({ repo: 'acme(@[0-9]+)?/.*' }).subjectPattern, 'repo:acme@1/app@2:pull_request')).toBe(
      true,
    );
    expect(accepts(githubRule({ repo: 'acme(@[0-9]+)?/.*' }).subjectPattern, 'repo:acme/app:pull_request')).toBe(true);
    expect(githubWarnings('acme/app', 'refs/heads/main|master')[0]).toContain('write "refs/heads/(main|master)"');
    expect(githubWarnings('acme/app', 'refs/heads/main|refs/heads/stable')[0]).toContain('outside parentheses');
    expect(githubWarnings('acme/*', undefined)[0]).toContain('repeats the slash');
    expect(githubWarnings('.*/app', undefined)[0]).toContain('strangers');
    // A glob, in either flag.
    expect(githubWarnings('acme/app', 'refs/heads/*')[0]).toMatch(/^`--github-ref` .*write "\/\.\*"/);
    expect(githubWarnings('acme/app', 'refs/tags/v*')[0]).toMatch(/^`--github-ref` .*write "v\.\*"/);
    expect(githubWarnings('acme/app-*', undefined)[0]).toMatch(/^`--github-repo` .*write "-\.\*"/);
    expect(githubWarnings('acme/app', 'refs/tags/v.*')).toEqual([]);
    expect(githubWarnings('acme/app', 'refs/tags/v[0-9]*')).toEqual([]);
  });
});

describe('GitLab (Q13)', () => {
  test('plain values make a literal subject', () => {
    expect(gitlabRule({ projectPath: 'group/sub/project', refType: 'tag', ref: 'v1.0' })).toEqual({
      issuer: 'https://gitlab.com',
      subject: 'project_path:group/sub/project:ref_type:tag:ref:v1.0',
      audience: 'https://gitlab.com',
    });
  });

  test.each([undefined, '', '*'])('any reference when it is %j', (ref) => {
    expect(gitlabRule({ projectPath: 'group/pro.ject', refType: 'branch', ref }).subjectPattern).toBe(
      '^project_path:(?:group/pro\\.ject):ref_type:branch:ref:(?:.*)$',
    );
  });

  test('a star is any project of the group and of nothing else', () => {
    const { subjectPattern } = gitlabRule({ projectPath: 'group/*', refType: 'branch', ref: 'main' });
    expect(subjectPattern).toBe('^project_path:(?:group/[^:]+):ref_type:branch:ref:(?:main)$');
    expect(accepts(subjectPattern, 'project_path:group/sub/x:ref_type:branch:ref:main')).toBe(true);
    expect(accepts(subjectPattern, 'project_path:group/x:ref_type:tag:ref:main')).toBe(false);
    expect(accepts(subjectPattern, 'project_path:other/x:ref_type:branch:ref:main')).toBe(false);
  });

  test('other special characters make it a regular expression', () => {
    const { subjectPattern } = gitlabRule({ projectPath: 'group/(a|b)', refType: 'branch', ref: 'release-.*' });
    expect(subjectPattern).toBe('^project_path:(?:group/(a|b)):ref_type:branch:ref:(?:release-.*)$');
    expect(gitlabRule({ projectPath: 'g/p', refType: 'branch', ref: 'release-*' }).subjectPattern).toContain(
      'ref:(?:release-.*)$',
    );
  });

  test('problems and warnings', () => {
    expect(gitlabProblems('project', undefined)[0]).toContain('GROUP/PROJECT');
    expect(gitlabProblems('/project', undefined)).toHaveLength(1);
    expect(gitlabProblems('group/*', 'main')).toEqual([]);
    expect(gitlabProblems('group/p', 'a|^b')).toHaveLength(1);
    expect(gitlabWarnings('group/*', '*')).toEqual([]);
    expect(gitlabWarnings('group/a|group/b', undefined)).toHaveLength(1);
  });
});

test('AWS roles and users (protocols 8.2)', () => {
  const role = awsRoleRule({ account: '123456789012', partition: 'aws-us-gov', roleName: 'my.role+x' });
  expect(role).toEqual({
    awsAccount: '123456789012',
    arnPattern: '^arn:aws-us-gov:sts::123456789012:assumed-role/my\\.role\\+x/(.+)$',
    userIdPattern: '^AROA(.*):(.*)$',
  });
  expect(accepts(role.arnPattern, 'arn:aws-us-gov:sts::123456789012:assumed-role/my.role+x/session')).toBe(true);
  expect(accepts(role.arnPattern, 'arn:aws-us-gov:sts::123456789012:assumed-role/myXrole+x/session')).toBe(false);
  expect(
    awsRoleRule({ account: '123456789012', partition: 'aws', roleName: 'r', roleId: 'AROAEXAMPLE' }).userIdPattern,
  ).toBe('^AROAEXAMPLE:(.+)$');
  expect(awsUserRule({ account: '123456789012', partition: 'aws', userName: 'team/bob' })).toEqual({
    awsAccount: '123456789012',
    arn: 'arn:aws:iam::123456789012:user/team/bob',
    userIdPattern: '^AIDA(.*)$',
  });
  expect(
    awsUserRule({ account: '123456789012', partition: 'aws', userName: 'bob', userId: 'AIDAEXAMPLE' }),
  ).toMatchObject({ userId: 'AIDAEXAMPLE' });
});

describe('claim patterns (protocols 8.2)', () => {
  test('one pair a flag, split at the first colon', () => {
    expect(readClaimPatterns(['ref:refs/heads/.*', 'sub_type:a:b'])).toEqual({
      patterns: { ref: 'refs/heads/.*', sub_type: 'a:b' },
      problems: [],
      warnings: [],
    });
  });

  test('a comma list is taken as several pairs, and that is said', () => {
    const { patterns, problems, warnings } = readClaimPatterns(['a:x,b:y, c:z']);
    expect(patterns).toEqual({ a: 'x', b: 'y', c: 'z' });
    expect(problems).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('read as 3 claims')]);
  });

  test.each([
    ['a:x,y', 'x,y'],
    ['a:x{1,3}', 'x{1,3}'],
    ['a:(x,b:y)', '(x,b:y)'],
    ['a:[x,b:y]', '[x,b:y]'],
    ['a:x[,]b:y', 'x[,]b:y'],
    ['a:x\\,b:y', 'x\\,b:y'],
  ])('%s is one pair', (text, pattern) => {
    expect(readClaimPatterns([text])).toEqual({ patterns: { a: pattern }, problems: [], warnings: [] });
  });

  test('what is no pair, and a claim named twice', () => {
    expect(readClaimPatterns(['branch']).problems).toEqual(['must be CLAIM:PATTERN, not "branch"']);
    expect(readClaimPatterns([':x']).problems).toHaveLength(1);
    expect(readClaimPatterns(['a:x', 'a:y']).problems).toEqual(['has two patterns for the claim "a"']);
    expect(readClaimPatterns(['__proto__:x']).patterns).toEqual(Object.fromEntries([['__proto__', 'x']]));
  });
});

describe('patterns', () => {
  test('RE2 decides what compiles', async () => {
    expect(await patternProblem('^a{2,}(b|c)\\d+$')).toBeUndefined();
    // A literal brace, which JavaScript's own engine refuses (protocols 3.4).
    expect(await patternProblem('{uuid}:.+')).toBeUndefined();
    expect(await patternProblem('(a')).toContain('missing closing )');
    expect(await patternProblem('(?=a)')).toBeTruthy();
    expect(await patternProblem('(a)\\1')).toBeTruthy();
  });

  test('alternatives outside a group are told, inside one they are not', () => {
    expect(patternWarning('`--subject-pattern`', 'a|b')).toMatch(/^`--subject-pattern` has "\|" outside/);
    for (const pattern of ['(a|b)', '[|]', 'a\\|b', '(?:a|(b|c))', '[]|]x']) {
      expect(patternWarning('x', pattern), pattern).toBeUndefined();
    }
  });
});

test('types and issuers', () => {
  expect(typeOf({ claimMatch: { issuer: 'i' } })).toBe('claim_match');
  expect(typeOf({ static: { issuer: 'i' } })).toBe('static');
  expect(typeOf({ static: { issuer: pullTokenIssuer } })).toBe('pull_token');
  expect(typeOf({ awsIdentity: {} })).toBe('aws');
  expect(typeOf({ servicePrincipal: 'COSIGNED' })).toBe('service_principal');
  expect(typeOf({})).toBeUndefined();
  expect(issuerOf({ claimMatch: { issuerPattern: '.*' } })).toBe('.*');
  expect(issuerOf({ awsIdentity: {} })).toBe('');
});

test('the services are those of the API', () => {
  const names = Object.keys(iamSchema.enums['chainguard.platform.iam.ServicePrincipal'] ?? {});
  expect(['UNKNOWN', ...servicePrincipals]).toEqual(names);
});
