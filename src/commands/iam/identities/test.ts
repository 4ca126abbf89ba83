import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, exclusive } from '../../../cli/define.ts';
import { boolean, file } from '../../../cli/inputs/values.ts';
import { CliError } from '../../../errors.ts';
import { quote } from '../../../quote.ts';
import { shellWord } from '../../../shell-word.ts';
import type { Row, RuleChange } from '../../../trust/rule-test.ts';
import { type IdentityReference, identity } from './identity.ts';
import { readIdentityFile } from './identity-file.ts';
import { fetchIdentity } from './look-up.ts';
import { type Presented, presentedBy, presentedInputs, presentedProblems } from './presented.ts';
import { type Tested, testedView, timeOf } from './test-view.ts';

/** Clocks of other machines (protocols 3.4), in seconds. */
const skewSeconds = 60;

export default defineCommand({
  path: ['iam', 'identities', 'test'],
  summary: 'Check whether an identity admits a token, and why not.',
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
  exitError: ([tested]) => (tested === undefined || /yes|rule-only/.test(tested.answer) ? undefined : refusal(tested)),
  run: async (context, input): Promise<Tested> => {
    const tested = await identityOf(context, input.identity, input.ruleFile);
    // Before anybody is asked for anything.
    const { noTokenReason } = await import('../../../trust/rule-test.ts');
    const reason = noTokenReason(tested);
    if (reason !== undefined) {
      throw new CliError('usage', `${quote(tested.name ?? '')} ${reason}`, { code: 'usage.no-token-identity' });
    }
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

async function testOf(
  context: Context,
  tested: IamIdentity,
  { claims, token, known, remarks }: Presented,
  verify: boolean,
): Promise<Tested> {
  const { answerOf, changeFor, testRule, timeRows } = await import('../../../trust/rule-test.ts');
  const issuer = context.config.get('platform.issuer').replace(/\/+$/, '');
  const now = context.host.now();
  const words = { now, timeOf: (seconds: number) => timeOf(seconds, now) };
  const test = testRule(tested, claims, { issuer, known, ...words });
  const rows = [...test.rows];
  if (token !== undefined) {
    const signature = verify ? await signatureOf(context, token, tested.static?.issuerKeys, issuer) : undefined;
    rows.push(...timeRows(token.decoded, { ...words, skew: signature?.isOwnClock === true ? 0 : skewSeconds }));
    rows.push(signature?.row ?? { what: 'signature', note: 'not checked', result: 'unchecked' });
  }
  // A forged token is not to be admitted.
  const isForged = rows.at(-1)?.result === 'differs' && verify;
  const change = tested.id === undefined || isForged ? undefined : changeFor(test, claims);
  return {
    answer: answerOf(rows),
    identity: tested.name ?? '',
    identityId: tested.id ?? '',
    isToken: token !== undefined,
    rows,
    remarks,
    ...(change === undefined ? {} : { change: lineOf(tested.id ?? '', change) }),
  };
}

function lineOf(id: string, { flags, ...rest }: RuleChange): NonNullable<Tested['change']> {
  const words = flags.map(([flag, value]) => `${flag}=${shellWord(value)}`);
  return { command: ['chainctl iam identities update', id, ...words].join(' '), ...rest };
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
