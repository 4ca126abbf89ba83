// Every configuration key, declared once: precedence, `config view`, validation, completion and docs read this list.

import { parseDuration } from '../duration.ts';

export type ConfigKind = 'string' | 'choice' | 'flag' | 'seconds' | 'duration' | 'color' | 'url' | 'audience';

interface KeyDeclaration {
  readonly key: string;
  readonly kind: ConfigKind;
  readonly default: string;
  readonly help: string;
  /** The values of a choice. */
  readonly choices?: readonly string[];
}

/** In the order of `config view` (outputs, "config view"). */
export const configSchema = [
  {
    key: 'auth.mode',
    kind: 'choice',
    default: 'browser',
    choices: ['browser', 'headless'],
    help: 'How to log in when no identity token is given',
  },
  {
    key: 'auth.token-store',
    kind: 'choice',
    default: 'auto',
    choices: ['auto', 'keychain', 'file'],
    help: 'Where refresh tokens are kept; auto takes the keychain when there is one',
  },
  {
    key: 'default.active-within',
    kind: 'duration',
    default: '24h0m0s',
    help: 'How recently something must have been seen to count as active',
  },
  { key: 'default.autoclose', kind: 'flag', default: 'true', help: 'Close the browser tab after a login' },
  {
    key: 'default.autoclose-timeout',
    kind: 'seconds',
    default: '10',
    help: 'Seconds before the browser tab closes after a login',
  },
  { key: 'default.group', kind: 'string', default: '', help: 'Location used when `--parent` is not given' },
  { key: 'default.identity-provider', kind: 'string', default: '', help: 'Id of the identity provider to log in with' },
  {
    key: 'default.log-level',
    kind: 'choice',
    default: 'ERROR',
    choices: ['DEBUG', 'INFO', 'WARN', 'ERROR'],
    help: 'How much to say on stderr',
  },
  { key: 'default.org-name', kind: 'string', default: '', help: 'Verified name of the organization to log in with' },
  { key: 'default.pager', kind: 'flag', default: 'true', help: 'Show output of more than a screen a screen at a time' },
  {
    key: 'default.skip-auto-login',
    kind: 'flag',
    default: 'false',
    help: 'Fail instead of opening a browser when a login is needed',
  },
  { key: 'default.skip-version-check', kind: 'flag', default: 'false', help: 'Do not look for newer releases' },
  {
    key: 'default.social-login',
    kind: 'choice',
    default: '',
    choices: ['', 'email', 'google', 'google-oauth2', 'github', 'gitlab'],
    help: 'Social account to log in with',
  },
  { key: 'default.use-refresh-token', kind: 'flag', default: 'true', help: 'Ask for a refresh token when logging in' },
  { key: 'output.color.fail', kind: 'color', default: '#ff0000', help: 'Color of failures' },
  { key: 'output.color.pass', kind: 'color', default: '#00ff00', help: 'Color of successes' },
  { key: 'output.color.warn', kind: 'color', default: '#ffa500', help: 'Color of warnings' },
  { key: 'output.color.info', kind: 'color', default: '', help: 'Color of remarks' },
  { key: 'output.color.highlight', kind: 'color', default: '', help: 'Color of what matters most in a text' },
  { key: 'output.color.secondary', kind: 'color', default: '', help: 'Color of what matters least in a text' },
  { key: 'output.color.special', kind: 'color', default: '', help: 'Color of everything out of the ordinary' },
  { key: 'output.silent', kind: 'flag', default: 'false', help: 'Leave out remarks on stderr' },
  { key: 'platform.api', kind: 'url', default: 'https://console-api.enforce.dev', help: 'Address of the API' },
  {
    key: 'platform.audience',
    kind: 'audience',
    // Empty here: it follows `platform.api` (see load.ts).
    default: '',
    help: 'Audience of tokens for the API; the address of the API when not set',
  },
  {
    key: 'platform.console',
    kind: 'url',
    default: 'https://console.chainguard.dev',
    help: 'Address of the web console',
  },
  { key: 'platform.issuer', kind: 'url', default: 'https://issuer.enforce.dev', help: 'Address of the token issuer' },
  { key: 'platform.registry', kind: 'url', default: 'https://cgr.dev', help: 'Address of the container registry' },
  {
    key: 'update.url',
    kind: 'url',
    default: '',
    help: 'Where `chainctl update` looks for releases; what the build names when not set',
  },
] as const satisfies readonly KeyDeclaration[];

export type ConfigKey = (typeof configSchema)[number]['key'];
export type ConfigEntry = KeyDeclaration & { readonly key: ConfigKey };

const entries: ReadonlyMap<string, ConfigEntry> = new Map(configSchema.map((entry) => [entry.key, entry]));

export function isConfigKey(key: string): key is ConfigKey {
  return entries.has(key);
}

export function configEntry(key: ConfigKey): ConfigEntry {
  const entry = entries.get(key);
  if (entry === undefined) throw new RangeError(`${key} is not declared`);
  return entry;
}

/** The environment variable of a key: `default.skip-auto-login` → `CHAINGUARD_DEFAULT_SKIP_AUTO_LOGIN`. */
export function envName(key: ConfigKey): string {
  return `CHAINGUARD_${key.toUpperCase().replaceAll(/[.-]/g, '_')}`;
}

export type ParsedValue =
  | { readonly ok: true; readonly value: string }
  /** `expected` completes the sentence "… must be". */
  | { readonly ok: false; readonly expected: string };

const good = (value: string): ParsedValue => ({ ok: true, value });
const bad = (expected: string): ParsedValue => ({ ok: false, expected });

/** Checks a value by its key's kind and brings it into the one spelling that is stored. */
export function parseValue(key: ConfigKey, text: string): ParsedValue {
  const entry = configEntry(key);
  if (/[\0-\x1f\x7f]/.test(text)) return bad('one line without control characters');
  const value = text.trim();
  switch (entry.kind) {
    case 'flag':
      return flagValue(value);
    case 'choice':
      return choiceValue(entry, value);
    case 'seconds':
      // Written by some as a Go duration of whole seconds.
      return /^\d{1,6}s?$/.test(value) ? good(String(Number.parseInt(value, 10))) : bad('a whole number of seconds');
    case 'duration':
      // Programs in Go read the file too, and have no days.
      return !value.includes('d') && (parseDuration(value) ?? 0) > 0
        ? good(value)
        : bad('a positive duration like 24h or 30m');
    case 'color':
      return value === '' || /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(value) || /^[a-z]{3,20}$/i.test(value)
        ? good(value.toLowerCase())
        : bad('a color like #ff0000 or orange');
    case 'url':
      // With no default place, none is a value too.
      return value === '' && entry.default === '' ? good(value) : urlValue(value);
    case 'audience':
      return /\s/.test(value) ? bad('one word') : good(value);
    case 'string':
      return good(value);
  }
}

// The words Go's strconv.ParseBool takes, so that files written for the reference tool read the same.
function flagValue(value: string): ParsedValue {
  if (/^(?:1|t|true)$/i.test(value)) return good('true');
  if (/^(?:0|f|false)$/i.test(value)) return good('false');
  return bad('true or false');
}

function choiceValue(entry: ConfigEntry, value: string): ParsedValue {
  const choices = entry.choices ?? [];
  const found = choices.find((choice) => choice.toLowerCase() === value.toLowerCase());
  if (found !== undefined) return good(found);
  const words = choices.filter((choice) => choice !== '');
  return bad(`${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
}

function urlValue(value: string): ParsedValue {
  const expected = 'an http or https address without query, fragment or password';
  let url: URL;
  try {
    url = new URL(value);
  } catch {
    return bad(expected);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return bad(expected);
  if (url.search || url.hash || url.username || url.password || !url.hostname) return bad(expected);
  // Addresses are joined with paths and compared with what an issuer calls itself: one spelling, no slash at the end.
  return good(value.replace(/\/+$/, ''));
}
