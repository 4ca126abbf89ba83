import type { Context } from '../../../cli/context.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import { boolean, file } from '../../../cli/inputs/values.ts';
import { timeCell } from '../../../cli/output/age.ts';
import { CliError } from '../../../errors.ts';
import { quote } from '../../../quote.ts';

interface Inspected {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch; `isGood` where the clock has something to say of it. */
  readonly times: readonly { readonly what: string; readonly at: number; readonly isGood?: boolean }[];
  /** Undefined: nobody looked. Else empty for a token that is to be believed, or why it is not. */
  readonly verified: string | undefined;
}

/** Shown above the others, by the names that people have for them. */
const known = [
  ['iss', 'issuer'],
  ['sub', 'subject'],
  ['aud', 'audience'],
] as const;
const ofTime = ['iat', 'nbf', 'exp'];

const inspectedView = defineView<Inspected>({
  text: ({ header, claims, times, verified }, cell) => {
    const others = Object.keys(claims).filter((name) => !ofTime.includes(name) && !known.some(([one]) => one === name));
    const rows: (readonly [string, string])[] = [
      ...known.flatMap(([name, word]) => (claims[name] === undefined ? [] : [[word, shown(claims[name])] as const])),
      ...times.map(({ what, at, isGood }) => {
        const time = `${timeCell(at, { ...cell, times: 'utc' })} (${timeCell(at, { ...cell, times: 'relative' })})`;
        return [what, isGood === false ? `${time}, so it is refused` : time] as const;
      }),
      ['algorithm', shown(header['alg'])],
      ...(header['kid'] === undefined ? [] : [['key', shown(header['kid'])] as const]),
    ];
    const table = (of: readonly (readonly [string, string])[]) => {
      const width = Math.max(0, ...of.map(([name]) => name.length));
      return of.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`).join('');
    };
    const more =
      others.length === 0 ? '' : `\nOther claims:\n${table(others.map((name) => [name, shown(claims[name])]))}`;
    const verdict =
      verified === undefined
        ? 'Nothing was verified; `--verify` checks the signature with the keys of the issuer.'
        : verified === ''
          ? 'The signature is by a key of the issuer, and the times are good.'
          : `It is not to be believed: ${verified}.`;
    return `${table(rows)}${more}\n${verdict}\n`;
  },
  json: ({ header, claims, times, verified }) => ({
    header,
    claims,
    times: Object.fromEntries(times.map(({ what, at }) => [what.replace(' ', '_'), new Date(at).toISOString()])),
    verified: verified === undefined ? false : verified === '',
    ...(verified ? { reason: verified } : {}),
  }),
});

/** Texts in quotes, so that what is in them cannot look like another row. */
function shown(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return value.map(shown).join(', ') || 'none';
  const text = JSON.stringify(value) ?? '';
  return /[^\x20-\x7e]/.test(text) ? quote(text) : text;
}

export default defineCommand({
  path: ['auth', 'token', 'inspect'],
  summary: 'Show what a token says.',
  description:
    'Shows issuer, subject, audience, times and every other claim of a token, without its signature. It is read on this machine, ' +
    'sent nowhere and not believed; with --verify its signature is checked with the keys that its issuer publishes, and the ' +
    'answer is 1 where it is not to be believed.',
  inputs: {
    file: {
      kind: file,
      positional: 'FILE',
      flag: false,
      default: '-',
      help: 'File that holds the token, or "-" for standard input.',
    },
    verify: { kind: boolean, help: 'Check its signature and its times.' },
  },
  examples: [
    { text: 'The token of a file', args: './token.jwt' },
    { text: 'One from a pipe, as json', args: '- --output=json' },
    { text: 'Is it the issuer’s', args: './token.jwt --verify' },
  ],
  view: inspectedView,
  formats: ['text', 'json'],
  exitError: ([seen]) =>
    seen?.verified
      ? new CliError('permission', `The token is not to be believed: ${seen.verified}`, { code: 'token.not-verified' })
      : undefined,
  run: async (context, input): Promise<Inspected> => {
    const { readToken } = await import('../../../auth/token-file.ts');
    const text = await readToken(context.host, input.file);
    const { decodeClaims, decodeHeader } = await import('../../../auth/jwt.ts');
    const [header, claims] = [decodeHeader(text), decodeClaims(text)];
    if (header === undefined || claims === undefined) {
      throw new CliError('usage', 'It is not a JSON Web Token: it has no header and claims that can be read', {
        code: 'usage.bad-token',
      });
    }
    const now = context.host.now();
    const times = (
      [
        ['issued', 'iat', undefined],
        ['not before', 'nbf', (at: number) => at <= now],
        ['expires', 'exp', (at: number) => at > now],
      ] as const
    ).flatMap(([what, name, check]) => {
      const at = Number(claims[name]) * 1000;
      const isTime = typeof claims[name] === 'number' && !Number.isNaN(new Date(at).getTime());
      return isTime ? [{ what, at, ...(check === undefined ? {} : { isGood: check(at) }) }] : [];
    });
    const { alg, kid, typ } = header;
    const named = Object.fromEntries(Object.entries({ alg, kid, typ }).filter(([, value]) => value !== undefined));
    return { header: named, claims, times, verified: input.verify ? await verify(context, text) : undefined };
  },
});

/** Empty, or why not. */
async function verify(context: Context, text: string): Promise<string> {
  const { verifyByIssuer } = await import('../../../auth/issuer-keys.ts');
  const platform = context.config.get('platform.issuer').replace(/\/+$/, '');
  return (await verifyByIssuer(context.host, text, { platform, signal: context.signal })) ?? '';
}
