// Tokens of the simulated issuers, minted straight from the platform's folder, whether or not it is running.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { defineView } from '../../cli/define.ts';
import type { Kind } from '../../cli/inputs/kind.ts';
import { keyValue, named } from '../../cli/inputs/values.ts';
import { parseDuration } from '../../duration.ts';
import { CliError } from '../../errors.ts';
import type { Store } from '../../local/store/database.ts';
import type { ThirdPartyClaims } from '../../trust/ci-claims.ts';
import { dataDirInput, folderOf, localCommand, runningPlatform, toStateError } from './folder.ts';

/** A life that may lie in the past: `-1h` is how an expired token is made. */
const life: Kind<number> = {
  metavar: 'DURATION',
  parse: (text) => {
    const ms = parseDuration(text.replace(/^-/, ''));
    if (ms === undefined || ms % 1000 !== 0) throw new Error('must be a duration of whole seconds such as "10m"');
    return text.startsWith('-') ? -ms : ms;
  },
};

/** Inputs of every token. */
export const mintInputs = {
  audience: {
    kind: named('AUDIENCE'),
    many: true,
    help: 'Audience (`aud`) of the token. Defaults to the issuer of the platform.',
  },
  claim: { kind: keyValue, many: true, help: 'A further claim, always text.' },
  ttl: { kind: life, default: '1h', help: 'How long it is good for; a negative one has expired already.' },
  dataDir: dataDirInput,
} as const;

export interface MintInput {
  readonly audience: readonly string[];
  readonly claim: readonly (readonly [string, string])[];
  /** Milliseconds. */
  readonly ttl: number;
  readonly dataDir: string | undefined;
}

export interface Minted {
  readonly token: string;
  readonly onTerminal: boolean;
}

/** The token alone: programs that read it take every byte. */
export const mintedView = defineView<Minted>({
  text: ({ token, onTerminal }) => `${token}${onTerminal ? '\n' : ''}`,
  json: ({ token }) => ({ token }),
});

export async function mint(context: Context, input: MintInput, claims: ThirdPartyClaims): Promise<Minted> {
  checkClaims(input.claim, claims.settled);
  const { audience, ttl } = input;
  const more = { ...claims, claims: { ...claims.claims, ...Object.fromEntries(input.claim) } };
  const token = await mintIn(context, folderOf(context, input.dataDir), more, { audience, ttlSeconds: ttl / 1000 });
  return { token, onTerminal: context.io.outIsTty };
}

/** A token signed with the keys of the platform in a folder; for its issuer unless said otherwise, and for an hour. */
export function mintIn(
  context: Context,
  folder: string,
  claims: ThirdPartyClaims,
  {
    audience: wanted = [],
    ttlSeconds = 3600,
  }: { readonly audience?: readonly string[]; readonly ttlSeconds?: number } = {},
): Promise<string> {
  return withStore(context, folder, async (store) => {
    const { mintThirdPartyToken } = await import('../../local/issuer/simulated.ts');
    const audience = wanted.length > 0 ? wanted : [await issuerOf(folder, store)];
    return mintThirdPartyToken(store, {
      ...claims,
      // Most readers take both; a single audience is written the way most issuers write it.
      audience: audience.length === 1 ? (audience[0] ?? '') : audience,
      ttlSeconds,
      now: context.host.now(),
    });
  });
}

/** Claims of every kind of token. */
const ofEveryToken: Readonly<Record<string, string | undefined>> = {
  iss: '--issuer',
  sub: '--subject',
  aud: '--audience',
  exp: '--ttl',
  iat: undefined,
  nbf: undefined,
};

/** Throws for claims that would be dropped, or would say something else than another part of the token. */
function checkClaims(given: MintInput['claim'], settled: ThirdPartyClaims['settled'] = {}): void {
  const seen = new Set<string>();
  for (const [name] of given) {
    if (seen.has(name)) throw refused(`has two values for "${name}"`);
    seen.add(name);
    if (Object.hasOwn(ofEveryToken, name)) {
      const flag = ofEveryToken[name];
      throw refused(`cannot set "${name}"`, flag === undefined ? 'it is the time of now' : `\`${flag}\` sets it`);
    }
    const flag = Object.hasOwn(settled, name) ? settled[name] : undefined;
    if (flag !== undefined) throw refused(`cannot set "${name}" beside \`${flag}\``, `\`${flag}\` sets it`);
  }
}

function refused(what: string, hint?: string): CliError {
  return new CliError('usage', `\`--claim\` ${what}`, {
    code: 'usage.invalid',
    ...(hint === undefined ? {} : { hint }),
  });
}

async function withStore<T>(context: Context, folder: string, work: (store: Store) => Promise<T>): Promise<T> {
  const path = join(folder, 'platform.db');
  if (!existsSync(path)) {
    throw new CliError('local', `There is no platform in "${folder}"`, {
      code: 'local.no-platform',
      hint: `make one with \`${localCommand(context, folder, 'start')} --detach\``,
    });
  }
  const { openStore } = await import('../../local/store/database.ts');
  const { allMigrations } = await import('../../local/modules.ts');
  const { host } = context;
  const clock = { now: () => host.now(), randomBytes: (count: number) => host.randomBytes(count) };
  let store: Store;
  try {
    store = openStore(path, allMigrations(), clock);
  } catch (error) {
    throw toStateError(error, folder);
  }
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

/** Returns where the platform is now, or where it will be when it starts again. */
async function issuerOf(folder: string, store: Store): Promise<string> {
  const running = await runningPlatform(folder);
  if (running !== undefined) return running.issuer;
  const { readMeta } = await import('../../local/store/meta.ts');
  const port = store.read((tx) => readMeta(tx, 'port'));
  if (port !== undefined) return `http://127.0.0.1:${port}`;
  throw new CliError('local', `The platform in "${folder}" was never served, so its issuer has no address yet`, {
    code: 'local.no-issuer',
    hint: 'set the audience of the token with `--audience`',
  });
}
