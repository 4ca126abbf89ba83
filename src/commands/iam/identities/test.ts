import { issuerUrlProblem, typeOf } from '../../../api/identity-rules.ts';
import type { IamIdentity, IamIdentityClaimMatch } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, exclusive } from '../../../cli/define.ts';
import { boolean, file } from '../../../cli/inputs/values.ts';
import { CliError } from '../../../errors.ts';
import { quote } from '../../../quote.ts';
import { shellWord } from '../../../shell-word.ts';
import type { AdmittingChange } from '../../../trust/admitting-change.ts';
import type { Comparison } from '../../../trust/claim-match.ts';
import { type IdentityReference, identity } from './identity.ts';
import { readIdentityFile } from './identity-file.ts';
import { fetchIdentity } from './look-up.ts';
import { type Presented, presentedBy, presentedInputs, presentedProblems } from './presented.ts';
import { type Row, type Tested, testedView, timeOf } from './test-view.ts';

/** Clocks of other machines (protocols 3.4), in seconds. */
const skewSeconds = 60;

export default defineCommand({
  path: ['iam', 'identities', 'test'],
  summary: 'Say whether an identity admits a token, and why not.',
  description:
    'Compares what the identity expects with what the token says, claim by claim, and its times with the clock. Where it is ' +
    'refused, the one line that would admit it is shown, and what else that line would admit. A job of a CI system needs no ' +
    'token: say which job. The signature is checked with --verify only, with the keys that the issuer publishes. Exits 0 where ' +
    'it is admitted and 1 where it is not. Nothing is exchanged, and the token is sent nowhere.',
  inputs: {
    identity: {
      kind: identity,
      positional: 'IDENTITY',
      flag: false,
      requiredUnless: 'ruleFile',
      help: 'Name or id of the identity.',
      question: 'Which identity?',
    },
    ...presentedInputs,
    ruleFile: {
      kind: file,
      help: 'Test the identity in this file, JSON or YAML as `identities create --filename` takes it, which need not exist yet.',
    },
    verify: { kind: boolean, help: 'Check the signature of the token too, with the keys of its issuer.' },
  },
  check: [exclusive('identity', 'ruleFile')],
  validate: (given) => [
    ...presentedProblems(given),
    ...(given.verify === true && given.token === undefined ? ['`--verify` needs `--token`'] : []),
  ],
  examples: [
    { text: 'A token of a CI job', args: 'my-app --token=./token.jwt --verify' },
    { text: 'A workflow, without its token', args: 'my-app --github=acme/app --ref=main' },
    { text: 'A deployment', args: 'my-app --github=acme/app --environment=production' },
    { text: 'A rule that does not exist yet', args: '--rule-file=identity.yaml --kubernetes=apps/puller' },
  ],
  view: testedView,
  formats: ['text', 'json'],
  verdict: ([tested]) => (tested === undefined || /yes|rule-only/.test(tested.answer) ? undefined : refusal(tested)),
  run: async (context, input): Promise<Tested> => {
    const tested = await identityOf(context, input.identity, input.ruleFile);
    refuseWhatTakesNoToken(tested);
    const presented = await presentedBy(context, input, tested);
    return testOf(context, tested, presented, input.verify);
  },
});

async function identityOf(
  context: Context,
  reference: IdentityReference | undefined,
  ruleFile: string | undefined,
): Promise<IamIdentity> {
  if (ruleFile === undefined) return reference?.identity ?? fetchIdentity(context, reference?.id ?? '');
  const { identity: read, warnings } = await readIdentityFile(ruleFile, context);
  for (const warning of warnings) context.io.warn(warning);
  return { name: ruleFile, ...read };
}

function refuseWhatTakesNoToken(tested: IamIdentity): void {
  if (tested.claimMatch !== undefined || tested.static !== undefined) return;
  const why =
    typeOf(tested) === 'aws'
      ? 'is for AWS: it is assumed with a signed request that AWS itself answers, and with no token'
      : 'is for a service of the platform, and nobody can assume it with a token';
  throw new CliError('usage', `${quote(tested.name ?? '')} ${why}`, { code: 'usage.no-token-identity' });
}

async function testOf(
  context: Context,
  tested: IamIdentity,
  { claims, token, known, remarks }: Presented,
  verify: boolean,
): Promise<Tested> {
  const issuer = context.config.get('platform.issuer').replace(/\/+$/, '');
  const defaults = [issuer, new URL(issuer).host];
  const { compareClaims, staticAsClaims } = await import('../../../trust/claim-match.ts');
  const keys = tested.static;
  const { rule, audiences } = keys
    ? staticAsClaims(keys, defaults)
    : { rule: tested.claimMatch ?? {}, audiences: defaults };
  const compared = [...compareClaims(rule, claims, audiences)];
  const isMade = (name: string) => known !== undefined && !known.has(name);
  const rows = compared.map((one) => rowOf(one, isMade(one.name)));
  const now = context.host.now();
  const end = Date.parse(keys?.expiration ?? '');
  if (!Number.isNaN(end)) {
    rows.push({
      what: 'identity',
      note: `ends ${timeOf(end / 1000, now)}`,
      result: end > now ? 'matched' : 'differs',
    });
  }
  if (token !== undefined) {
    const signature = verify ? await signatureOf(context, token, keys?.issuerKeys, issuer) : undefined;
    rows.push(...timeRows(token.decoded, now, signature?.isOwnClock === true ? 0 : skewSeconds));
    rows.push(signature?.row ?? { what: 'signature', note: 'not checked', result: 'unchecked' });
  }
  const results = new Set(rows.map(({ result }) => result));
  const answer = results.has('differs') ? 'no' : results.has('unknown') ? 'unknown' : verify ? 'yes' : 'rule-only';
  const differing = compared.filter(({ name }) => !isMade(name));
  return {
    answer,
    identity: tested.name ?? '',
    identityId: tested.id ?? '',
    isToken: token !== undefined,
    rows,
    remarks,
    // What somebody forged is not to be admitted.
    ...(rows.at(-1)?.result === 'differs' && verify ? {} : await changeOf(tested, rule, differing, claims)),
  };
}

function rowOf({ what, name, expected, found, difference }: Comparison, isMade: boolean): Row {
  return {
    what: what === 'claim' ? `claim ${name}` : what,
    ...('pattern' in expected ? { pattern: expected.pattern } : { expected: expected.values }),
    ...(isMade ? { note: 'is made up here' } : found.problem ? { note: found.problem } : { found: found.texts }),
    result: isMade ? 'unknown' : difference === undefined ? 'matched' : 'differs',
  };
}

function timeRows({ expiresAt, claims }: NonNullable<Presented['token']>['decoded'], now: number, skew: number): Row[] {
  const isOver = expiresAt + skew <= now / 1000;
  const rows: Row[] = [
    {
      what: 'expires',
      note: timeOf(expiresAt, now),
      result: isOver ? 'differs' : 'matched',
    },
  ];
  const from = claims['nbf'];
  if (from !== undefined) {
    const isTime = typeof from === 'number';
    rows.push({
      what: 'not before',
      note: isTime ? timeOf(from, now) : 'no time',
      result: isTime && from - skew <= now / 1000 ? 'matched' : 'differs',
    });
  }
  return rows;
}

/** As the exchange does it: an identity with keys of its own asks nobody. */
async function signatureOf(
  context: Context,
  { text, decoded }: NonNullable<Presented['token']>,
  issuerKeys: string | undefined,
  platform: string,
): Promise<{ readonly row: Row; readonly isOwnClock: boolean }> {
  const { parseJwks, TokenError, verifySignature } = await import('../../../trust/jwt.ts');
  const { keysOf } = await import('../../../auth/issuer-keys.ts');
  const differs = (note: string): Row => ({
    what: 'signature',
    note,
    result: 'differs',
  });
  try {
    const { keys, isSimulated } =
      issuerKeys === undefined
        ? await keysOf(context.host, { issuer: decoded.issuer, platform, signal: context.signal })
        : { keys: parseJwks(issuerKeys), isSimulated: false };
    await verifySignature(text, decoded, { keys, ...(isSimulated ? { algorithms: ['RS256'] } : {}) });
    const by =
      issuerKeys !== undefined
        ? 'a key of the identity'
        : isSimulated
          ? 'a key of this platform'
          : 'a key of the issuer';
    return { row: { what: 'signature', note: `by ${by}`, result: 'matched' }, isOwnClock: isSimulated };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return { row: differs(error.message), isOwnClock: false };
  }
}

/** The line that would admit it. Times and signatures are no matter of the rule. */
async function changeOf(
  tested: IamIdentity,
  rule: IamIdentityClaimMatch,
  compared: readonly Comparison[],
  claims: Presented['claims'],
): Promise<Pick<Tested, 'change'>> {
  if (tested.id === undefined) return {};
  const { admittingChange, alsoAdmitted, noLongerAdmitted } = await import('../../../trust/admitting-change.ts');
  const change = admittingChange(compared);
  if (change === undefined || !canBeTyped(change)) return {};
  const words = flagsOf(change).map(([flag, value]) => `${flag}=${shellWord(value)}`);
  return {
    change: {
      command: ['chainctl iam identities update', tested.id, ...words].join(' '),
      alsoAdmits: alsoAdmitted(change, rule, claims),
      noLongerAdmits: noLongerAdmitted(change, rule),
    },
  };
}

/** Neither an issuer whose keys nobody can fetch, nor text that a terminal would show as something else. */
function canBeTyped(change: AdmittingChange): boolean {
  if (change.issuer !== undefined && issuerUrlProblem(change.issuer) !== undefined) return false;
  return flagsOf(change).every(([, value]) => quote(value) === `"${value.replace(/["\\]/g, '\\$&')}"`);
}

const flagsOf = ({ issuer, subject, audience, claimPatterns = {} }: AdmittingChange): (readonly [string, string])[] => [
  ...(issuer === undefined ? [] : [['--identity-issuer', issuer] as const]),
  ...(subject === undefined ? [] : [['--subject', subject] as const]),
  ...(audience === undefined ? [] : [['--audience', audience] as const]),
  ...Object.entries(claimPatterns).map(([claim, pattern]) => ['--claim-pattern', `${claim}:${pattern}`] as const),
];

function refusal({ identity: name, rows, answer }: Tested): CliError {
  const differing = rows.filter(({ result }) => result === 'differs').map(({ what }) => what);
  return answer === 'no'
    ? new CliError(
        'permission',
        `${quote(name)} does not admit it: ${differing.join(', ')} differ`.replace(/: ([^,]+) differ$/, ': $1 differs'),
        { code: 'identity.not-admitted' },
      )
    : new CliError('permission', `It is not known whether ${quote(name)} admits it`, {
        code: 'identity.unknown',
        hint: 'give a token of the job with `--token`',
      });
}
