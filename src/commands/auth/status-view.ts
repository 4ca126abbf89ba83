import type { Claims } from '../../auth/jwt.ts';
import { defineView } from '../../cli/define.ts';
import { printable } from '../../cli/io.ts';
import { timeCell } from '../../cli/output/age.ts';

export interface AuthStatus {
  readonly valid: boolean;
  readonly audience: string;
  /** UIDP. */
  readonly identity?: string | undefined;
  readonly email?: string | undefined;
  /** Role by name of the organization or folder; absent when nobody was asked. */
  readonly capabilities?: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number | undefined;
  /** Storage of its refresh token; undefined when it has none. */
  readonly refreshTokenStore?: 'keychain' | 'file' | undefined;
  /** Where, when there is more than one place. */
  readonly context?: string | undefined;
  /** Why it is not valid. */
  readonly reason?: string;
  /** Command to run then. */
  readonly hint?: string | undefined;
}

/** Returns what a token says of itself. */
export function claimedStatus(claims: Claims | undefined, audience: string): Omit<AuthStatus, 'valid'> {
  return {
    audience,
    identity: typeof claims?.sub === 'string' ? claims.sub : undefined,
    email: typeof claims?.email === 'string' ? claims.email : undefined,
    expiresAt: typeof claims?.exp === 'number' ? claims.exp * 1000 : undefined,
  };
}

const truth = (valid: boolean) => (valid ? 'True' : 'False');
const roleLines = (status: AuthStatus) =>
  Object.entries(status.capabilities ?? {}).map(([group, role]) => `${group}: ${role}`);

const storeTexts = {
  keychain: 'token in the keychain, for chainctl only',
  file: 'token in a file that only you can read, for programs of the SDK too',
} as const;

export const statusView = defineView<AuthStatus>({
  columns: [
    { head: 'VALID', value: (status) => truth(status.valid) },
    { head: 'IDENTITY', value: (status) => status.identity },
    { head: 'EMAIL', value: (status) => status.email },
    { head: 'CAPABILITIES', value: (status) => roleLines(status).join('\n') },
    { head: 'EXPIRES', value: (status, cell) => (status.expiresAt ? timeCell(status.expiresAt, cell) : '') },
  ],
  json: ({ valid, identity, email, capabilities, expiresAt, audience, refreshTokenStore, context }) => ({
    valid,
    identity,
    email,
    capabilities: capabilities ?? {},
    expiry: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
    audience,
    refresh_token_store: refreshTokenStore,
    context,
  }),
  text: (status, cell) => {
    const [first = '', ...others] = roleLines(status);
    const rows = [
      ['Valid', truth(status.valid)],
      ['Identity', status.identity],
      ['Email', status.email],
      ['Capabilities', first || undefined],
      ...others.map((line) => ['', line] as const),
      ['Expiry', status.expiresAt === undefined ? undefined : timeCell(status.expiresAt, cell)],
      ['Audience', status.audience],
      ['Refresh', status.refreshTokenStore && storeTexts[status.refreshTokenStore]],
      ['Context', status.context],
    ] as const;
    // Scripts cut these lines at the bar (script-contracts 2, `auth status`).
    return rows
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `  ${key.padEnd(12)} | ${printable(value ?? '')}\n`)
      .join('');
  },
});
