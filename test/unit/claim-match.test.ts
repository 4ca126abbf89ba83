import { describe, expect, it } from 'vitest';
import {
  acceptsIssuer,
  compilePattern,
  matchAws,
  matchClaims,
  matchStatic,
  PatternError,
  type TokenClaims,
} from '../../src/trust/claim-match.ts';

const github = 'https://token.actions.githubusercontent.com';
const defaults = ['http://127.0.0.1:4000', '127.0.0.1:4000'];

function token(claims: Record<string, unknown> = {}): TokenClaims {
  const all = { iss: github, sub: 'repo:acme/app:ref:refs/heads/main', aud: defaults[0], ...claims };
  const { iss, sub, aud } = all;
  return {
    issuer: String(iss),
    subject: String(sub),
    audiences: Array.isArray(aud) ? aud : aud === undefined ? [] : [String(aud)],
    all,
  };
}

const literal = { issuer: github, subject: 'repo:acme/app:ref:refs/heads/main' };

describe('literal rules', () => {
  it('accepts what equals', () => {
    expect(matchClaims(literal, token(), defaults, true)).toBeUndefined();
  });

  it('says which subject came and which is expected', () => {
    const sub = 'repo:acme/app:ref:refs/heads/dev';
    expect(matchClaims(literal, token({ sub }), defaults, true)).toBe(
      'token has invalid subject: "repo:acme/app:ref:refs/heads/dev": identity expects "repo:acme/app:ref:refs/heads/main"',
    );
  });

  it('is not fooled by case, prefixes, line ends or look-alikes', () => {
    for (const sub of [
      `${literal.subject}\n`,
      `${literal.subject}2`,
      literal.subject.toUpperCase(),
      ` ${literal.subject}`,
    ]) {
      expect(matchClaims(literal, token({ sub }), defaults, true)).toContain('token has invalid subject');
    }
  });

  it('does not print the issuer it expects', () => {
    const problem = matchClaims(literal, token({ iss: 'https://evil.example' }), defaults, true);
    expect(problem).toBe('token has invalid issuer: "https://evil.example" is not the one the identity expects');
    expect(problem).not.toContain('github');
  });

  it('denies when the rule has no issuer or no subject at all', () => {
    expect(matchClaims({ subject: literal.subject }, token(), defaults, true)).toContain('invalid issuer');
    expect(matchClaims({ issuer: github }, token(), defaults, true)).toContain('identity has no rule for the subject');
  });

  it('reports every difference, the subject first', () => {
    const rule = { ...literal, claims: { environment: 'prod' } };
    const problem = matchClaims(rule, token({ sub: 'x', aud: 'y', environment: 'dev' }), defaults, true);
    expect(problem?.split('; ')).toEqual([
      'token has invalid subject: "x": identity expects "repo:acme/app:ref:refs/heads/main"',
      'token has invalid audience: "y": identity expects "http://127.0.0.1:4000" or "127.0.0.1:4000"',
      'invalid "environment": "dev": identity expects "prod"',
    ]);
  });

  it('names what differs, and not what is expected, to who may not know', () => {
    const rule = {
      ...literal,
      audience: 'acme',
      claims: { environment: 'prod', tier: 'gold' },
      claimPatterns: { ref: 'x+' },
    };
    const stranger = token({ sub: 'x', aud: 'y', environment: 'dev', tier: 7, ref: 'y' });
    expect(matchClaims(rule, stranger, defaults, false)?.split('; ')).toEqual([
      'token has invalid subject: "x"',
      'token has invalid audience: "y"',
      'invalid "environment": "dev"',
      'invalid "tier": the claim is not text',
      'invalid "ref": "y"',
    ]);
  });
});

describe('audiences', () => {
  it('without a rule takes the issuer by URL or by host, alone or in a list', () => {
    for (const aud of [...defaults, ['other', '127.0.0.1:4000']]) {
      expect(matchClaims(literal, token({ aud }), defaults, true)).toBeUndefined();
    }
    expect(matchClaims(literal, token({ aud: 'cgr.dev' }), defaults, true)).toContain(
      'token has invalid audience: "cgr.dev"',
    );
    expect(matchClaims(literal, token({ aud: undefined }), defaults, true)).toContain(
      'token has invalid audience: none',
    );
    expect(matchClaims(literal, token({ aud: [] }), defaults, true)).toContain('token has invalid audience: none');
  });

  it('a rule of its own replaces the default', () => {
    const rule = { ...literal, audience: 'acme' };
    expect(matchClaims(rule, token({ aud: ['x', 'acme'] }), defaults, true)).toBeUndefined();
    expect(matchClaims(rule, token(), defaults, true)).toContain('identity expects "acme"');
  });

  it('a pattern never accepts a token without audience', () => {
    const rule = { ...literal, audiencePattern: '.*' };
    expect(matchClaims(rule, token({ aud: 'anything' }), defaults, true)).toBeUndefined();
    expect(matchClaims(rule, token({ aud: undefined }), defaults, true)).toContain('token has invalid audience: none');
  });
});

describe('patterns', () => {
  const accepts = (pattern: string, sub: string) =>
    matchClaims({ issuer: github, subjectPattern: pattern }, token({ sub }), defaults, true) === undefined;

  it('match the whole value, alternatives included', () => {
    expect(accepts('main|master', 'master')).toBe(true);
    expect(accepts('main|master', 'mainline')).toBe(false);
    expect(accepts('main|master', 'not-master')).toBe(false);
    expect(accepts('^main$', 'main')).toBe(true);
    expect(accepts('main', 'main\n')).toBe(false);
    expect(accepts('^main$', 'main\n')).toBe(false);
    expect(accepts('(?m)^main$', 'main\nother')).toBe(false);
    expect(accepts('repo:acme/.*', 'repo:acme/app:ref:x')).toBe(true);
    expect(accepts('a.b', 'a\nb')).toBe(false);
  });

  it('follow RE2: braces that count nothing are themselves, look-around and back references do not exist', () => {
    expect(accepts('{9a1b}:.+', '{9a1b}:{77}')).toBe(true);
    expect(accepts('(?i)MAIN', 'main')).toBe(true);
    for (const pattern of ['(?=a)a', '(a)\\1', 'a(', '[b-a]', 'a**']) {
      expect(() => compilePattern(pattern)).toThrow(PatternError);
      expect(accepts(pattern, 'a')).toBe(false);
    }
  });

  it('say what was expected', () => {
    const rule = { issuerPattern: 'https://token\\..*', subjectPattern: 'repo:acme/.*' };
    expect(matchClaims(rule, token({ sub: 'repo:evil/app' }), defaults, true)).toBe(
      'token has invalid subject: "repo:evil/app": identity expects a match of "repo:acme/.*"',
    );
  });

  it('for issuers decide before anything is fetched', () => {
    expect(acceptsIssuer({ issuerPattern: 'https://.*\\.example' }, 'https://a.example')).toBe(true);
    expect(acceptsIssuer({ issuerPattern: 'https://.*\\.example' }, 'https://a.example.evil')).toBe(false);
    expect(acceptsIssuer({ issuer: 'https://a.example' }, 'https://a.example/')).toBe(false);
    expect(acceptsIssuer({}, '')).toBe(false);
  });

  // Each of these takes minutes or for ever where nothing bounds it: the test would not end in time.
  it.each([
    ['nested repetition', '(a+)+$', `${'a'.repeat(4000)}!`],
    ['overlapping alternatives', '(a|aa)+$', `${'a'.repeat(4000)}!`],
    ['repeated wildcard', '(.*)*x', 'a'.repeat(4096)],
    ['many counted wildcards', '(.{0,1000})'.repeat(90).concat('y'), 'a'.repeat(4096)],
    ['counted repetition of counted repetition', '((a{0,100}){0,10})'.repeat(50), `${'a'.repeat(4000)}!`],
    ['optional then required', '(a?){1000}a{1000}', 'a'.repeat(1000)],
    ['large classes', '(\\pL{1000})'.repeat(90), 'a'.repeat(4096)],
    ['a megabyte of text', '.*', 'a'.repeat(1_000_000)],
    ['unbalanced nesting', `${'('.repeat(600)}${')'.repeat(400)}`, 'a'],
    ['a long pattern', 'a'.repeat(1025), 'a'.repeat(1025)],
  ])('%s ends', (_, pattern, sub) => {
    const rule = {
      issuer: github,
      subjectPattern: pattern,
      claimPatterns: Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`claim${index}`, pattern])),
    };
    const claims = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`claim${index}`, sub]));
    expect(matchClaims(rule, token({ sub, ...claims }), defaults, true)).not.toBe('');
  });
});

describe('the budget of steps is one for all values of a rule', () => {
  // Accepted by itself, and costs a little less than half of what a rule may.
  const pattern = '(a?){200}.*';
  const value = 'a'.repeat(Math.floor(1_990_000 / compilePattern(pattern).programSize()) - 1);
  const costly = 'which is too costly for a value of this length';
  const several = (count: number) => Array.from({ length: count }, (_, index) => `claim${index}`);
  const rule = (count: number) => ({
    ...literal,
    claimPatterns: Object.fromEntries(several(count).map((name) => [name, pattern])),
  });
  const values = (count: number) => Object.fromEntries(several(count).map((name) => [name, value]));

  it('two halves are within it, a third is not', () => {
    expect(matchClaims(rule(1), token(values(1)), defaults, true)).toBeUndefined();
    expect(matchClaims(rule(2), token(values(2)), defaults, true)).toBeUndefined();
    expect(matchClaims(rule(3), token(values(3)), defaults, true)).toContain(costly);
    expect(matchClaims(rule(10), token(values(10)), defaults, true)?.split(costly)).toHaveLength(9);
  });

  it('subject, audiences and claims share it', () => {
    const shared = { issuer: github, subjectPattern: pattern, audiencePattern: pattern };
    expect(matchClaims(shared, token({ sub: value, aud: value }), defaults, true)).toBeUndefined();
    const claims = { ...shared, claimPatterns: { x: pattern } };
    expect(matchClaims(claims, token({ sub: value, aud: value, x: value }), defaults, true)).toContain(costly);
    const audiences = { ...literal, audiencePattern: `${pattern}!` };
    expect(matchClaims(audiences, token({ aud: [value, value, value] }), defaults, true)).toContain(costly);
  });

  it('each token has its own', () => {
    for (let round = 0; round < 4; round += 1) {
      expect(matchClaims(rule(2), token(values(2)), defaults, true)).toBeUndefined();
    }
  });

  it('of what AWS says too', () => {
    const aws = { awsAccount: '1', arnPattern: pattern, userIdPattern: pattern };
    expect(matchAws(aws, { account: '1', arn: value, userId: value })).toBeUndefined();
    const dear = { ...aws, arnPattern: '(a?){400}.*' };
    expect(matchAws(dear, { account: '1', arn: value, userId: value })).toContain('user id');
  });
});

describe('custom claims', () => {
  const check = (rule: object, claims: Record<string, unknown>) =>
    matchClaims({ ...literal, ...rule }, token(claims), defaults, true);

  it('compare text and booleans, and nothing else', () => {
    expect(check({ claims: { environment: 'prod' } }, { environment: 'prod' })).toBeUndefined();
    expect(check({ claims: { protected: 'true' } }, { protected: true })).toBeUndefined();
    expect(check({ claims: { protected: 'true' } }, { protected: false })).toContain('invalid "protected": "false"');
    for (const value of [1, null, ['1'], { a: 1 }]) {
      expect(check({ claims: { run: '1' } }, { run: value })).toContain('invalid "run": the claim is not text');
    }
  });

  it('deny when the claim is absent, whatever objects inherit', () => {
    expect(check({ claims: { environment: 'prod' } }, {})).toBe(
      'invalid "environment": the token has no such claim, identity expects "prod"',
    );
    expect(check({ claimPatterns: { environment: '.*' } }, {})).toContain('invalid "environment"');
    expect(check({ claimPatterns: { constructor: '.*', toString: '.*' } }, {})).toContain('invalid "constructor"');
  });

  it('show hostile values without letting them act on a terminal', () => {
    const problem = check({ claims: { environment: 'prod' } }, { environment: '\u001b[31mprod\u202e\n"' });
    expect(problem).toContain('invalid "environment": "\\u001b[31mprod\\u202e\\n\\""');
    expect(problem).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });
});

describe('static keys and AWS', () => {
  it('static identities compare issuer and subject, and their audiences replace the default', () => {
    const rule = { issuer: github, subject: literal.subject };
    expect(matchStatic(rule, token(), defaults)).toBeUndefined();
    expect(matchStatic({ ...rule, audiences: ['acme'] }, token({ aud: 'acme' }), defaults)).toBeUndefined();
    expect(matchStatic({ ...rule, audiences: ['acme'] }, token(), defaults)).toContain('identity expects "acme"');
    expect(matchStatic({ ...rule, subject: 'x' }, token(), defaults)).toContain('token has invalid subject');
  });

  it('AWS identities compare what AWS says', () => {
    const rule = {
      awsAccount: '123456789012',
      arnPattern: '^arn:aws:sts::123456789012:assumed-role/ci/(.+)$',
      userIdPattern: '^AROA(.*):(.*)$',
    };
    const caller = {
      account: '123456789012',
      arn: 'arn:aws:sts::123456789012:assumed-role/ci/run-7',
      userId: 'AROAEXAMPLE:run-7',
    };
    expect(matchAws(rule, caller)).toBeUndefined();
    expect(matchAws(rule, { ...caller, account: '999999999999' })).toBe(
      'caller has invalid AWS account: "999999999999"',
    );
    expect(matchAws(rule, { ...caller, arn: 'arn:aws:iam::123456789012:user/x' })).toContain(
      'caller has invalid AWS ARN',
    );
    expect(matchAws({ awsAccount: '123456789012' }, caller)).toContain('caller has invalid AWS ARN');
  });
});
