// Everything a command may reach. Guarantees: members are made on first use, so `--help` reads no file and a command that
// talks to nobody opens no connection.

import type { ApiClient, ClientOperationId } from '../api/client.ts';
import { Arrivals } from '../arrivals.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { folderConfigFile } from '../config/paths.ts';
import type { ConfigKey } from '../config/schema.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { DescribedCommand } from './described-command.ts';
import { isTrue } from './inputs/is-true.ts';
import { createIo, type Io, printable } from './io.ts';
import type { Need } from './need.ts';
import { createPrompter, type Prompter } from './prompts/prompter.ts';
import { type Remembering, remembered } from './remembered.ts';
import { createWaiting, type Waiting } from './waiting.ts';

/** Values of the global flags, as given. */
export interface Globals {
  readonly config: string | undefined;
  /** The name of the context to act in. */
  readonly context: string | undefined;
  readonly output: string | undefined;
  readonly forceColor: boolean;
  /** Say what would be used, and do nothing. */
  readonly needs: boolean;
  /** A column or JSON field, with `-` in front for descending. */
  readonly sortBy: string | undefined;
  /** The most items of a list. */
  readonly limit: number | undefined;
  /** A JMESPath expression over the JSON document. */
  readonly query: string | undefined;
  readonly csvRaw: boolean;
  readonly assumeYes: boolean;
  readonly debug: boolean;
  /** Config keys that a global flag overrides: `--api`, `--audience`, `--console`, `--issuer`, `--log-level`. */
  readonly overrides: Partial<Record<ConfigKey, string>>;
}

export interface Context extends Remembering {
  readonly host: Host;
  readonly io: Io;
  readonly globals: Globals;
  /** Scripts may decode both streams together (script-contracts 1.1): remarks would not be JSON, so they are left out. */
  readonly isJsonAlone: boolean;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** The configuration in force; loaded before `run` unless the command says `readsConfig: false`. */
  readonly config: Config;
  /** Loads it now. Throws when the file cannot be read or parsed. */
  loadConfig(): Promise<Config>;
  readonly prompts: Prompter;
  /** Lists that were asked of the API in this run. */
  readonly listed: Set<ClientOperationId>;
  /** The line that says what is waited for. */
  readonly waiting: Waiting;
  /** Operations of the platform's API, with this login's token. */
  api(): Promise<ApiClient>;
  /** The same to take back what was begun: an interruption, which may be the reason, does not stop it. */
  undoApi(): Promise<ApiClient>;
  /** Operations that the issuer serves (`auth.v1`). */
  issuerApi(): Promise<ApiClient>;
  /** Every command as data. */
  commands(): Promise<readonly DescribedCommand[]>;
  /**
   * Returns what the command line of these words, after `chainctl`, would use. Throws kind `usage` for one that there
   * is not.
   */
  needsOf(words: readonly string[]): Promise<readonly Need[]>;
  /** A token for the audience that is good for at least another minute. Throws kind `auth` when there is none. */
  token(audience: string): Promise<string>;
  /** One line when `--log-level debug`, its property, `-v=2` or `CHAINCTL_DEBUG` asks for it. */
  debug(line: () => string): void;
  readonly isDebug: boolean;
}

export interface ContextParts {
  readonly commands?: () => Promise<readonly DescribedCommand[]>;
  readonly needsOf?: (words: readonly string[]) => Promise<readonly Need[]>;
  readonly prompter?: Prompter;
}

export function createContext(host: Host, globals: Globals, signal: AbortSignal, parts: ContextParts = {}): Context {
  let config: Config | undefined;
  let prompter: Prompter | undefined = parts.prompter;

  const plain = createIo(host, {
    forceColor: globals.forceColor,
    assumeYes: globals.assumeYes,
    // A config that cannot be read must not hide the error that says so.
    silent: () => config?.get('output.silent') === 'true',
    palette: (state) => {
      const key = `output.color.${state}` as const;
      // The terminal's own red is readable on the terminal's own background; the default of the file may not be.
      return config === undefined || config.source(key) === 'default' ? undefined : config.get(key) || undefined;
    },
  });

  const waiting = createWaiting(host, plain.errStyle);
  const io: Io = {
    ...plain,
    out: (text) => {
      waiting.clear();
      plain.out(text);
    },
    note: (line) => {
      waiting.clear();
      plain.note(line);
    },
    warn: (line) => {
      waiting.clear();
      plain.warn(line);
    },
  };

  const context: Context = {
    host,
    io,
    globals,
    isJsonAlone: (globals.output === 'json' || globals.output === 'yaml') && !host.stderr.isTty,
    signal,
    get config() {
      if (config === undefined) throw new Error('the configuration was not loaded');
      return config;
    },
    async loadConfig() {
      if (config !== undefined) return config;
      config = await loadConfig(host, {
        overrides: globals.overrides,
        ...(globals.config === undefined ? {} : { path: globals.config }),
        ...(globals.context === undefined ? {} : { context: globals.context }),
      });
      if (config.place.logins !== undefined) {
        const { keepLoginsApart } = await import('../auth/token-cache.ts');
        keepLoginsApart(host, config.place.logins);
      }
      for (const warning of config.warnings) io.warn(warning);
      return config;
    },
    get prompts() {
      prompter ??= createPrompter(host, io, signal);
      return prompter;
    },
    memory: {},
    api: () => platformClient(context),
    undoApi: () => undoClient(context),
    issuerApi: () => issuerClient(context),
    async needsOf(words) {
      return (await parts.needsOf?.(words)) ?? [];
    },
    async commands() {
      return (await parts.commands?.()) ?? [];
    },
    async token(audience) {
      const { accessToken } = await import('../auth/session.ts');
      return accessToken(host, context.config, audience, {
        signal,
        allowLogin: io.interactive,
        onRetry: retryNotice(context),
      });
    },
    get isDebug() {
      const level = config?.get('default.log-level').toLowerCase();
      return globals.debug || level === 'debug' || isTrue(host.env['CHAINCTL_DEBUG']);
    },
    waiting,
    listed: new Set(),
    debug: (line) => {
      if (!context.isDebug) return;
      waiting.clear();
      host.stderr.write(`debug: ${printable(line())}\n`);
    },
  };
  return context;
}

const platformClient = remembered((context: Context) => openClient(context, context.config.get('platform.api')));

const issuerClient = remembered((context: Context) => openClient(context, context.config.get('platform.issuer')));

const undoClient = remembered(({ host, io, isJsonAlone, config, waiting, listed }: Context) => {
  const { signal } = new AbortController();
  const uninterrupted = { host, io, isJsonAlone, config, signal, waiting, listed };
  return openClient(uninterrupted, config.get('platform.api'), undoTimeoutMs);
});

/** Somebody who has pressed Ctrl-C waits for it. */
const undoTimeoutMs = 10_000;

async function openClient(
  context: Pick<Context, 'host' | 'config' | 'io' | 'isJsonAlone' | 'signal' | 'waiting' | 'listed'>,
  baseUrl: string,
  timeoutMs?: number,
): Promise<ApiClient> {
  refuseStrayTokens(context.host, context.config);
  const { createApiClient } = await import('../api/client.ts');
  const audience = context.config.get('platform.audience');
  const { accessToken } = await import('../auth/session.ts');
  const client = createApiClient({
    host: context.host,
    baseUrl,
    signal: context.signal,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    bearer: (renew) =>
      accessToken(context.host, context.config, audience, {
        signal: context.signal,
        renew,
        allowLogin: context.io.interactive,
        onRetry: retryNotice(context),
      }),
    onRetry: retryNotice(context),
  });
  return watchingLists(client, context.waiting, context.listed);
}

/** The same client, whose lists say how far they are, and which were asked for. */
function watchingLists(client: ApiClient, waiting: Waiting, listed: Set<ClientOperationId>): ApiClient {
  return {
    ...client,
    call: (id, request) => {
      if (/\.List\w*$/.test(id)) listed.add(id);
      return client.call(id, request);
    },
    list(id, request) {
      listed.add(id);
      const parts = async function* () {
        const wait = waiting.begin('Reading the list');
        let count = 0;
        try {
          for await (const part of client.list(id, request).parts) {
            const before = count;
            count += part.length;
            if (Math.floor(count / 100) > Math.floor(before / 100)) wait.say(`Reading the list, ${count} so far`);
            yield part;
          }
        } finally {
          wait.end();
        }
      };
      return new Arrivals(parts());
    },
  };
}

/** Says before a pause why nothing happens. */
function retryNotice({ io, isJsonAlone }: Pick<Context, 'io' | 'isJsonAlone'>) {
  return (reason: string, waitMs: number): void => {
    if (!isJsonAlone) io.note(`${reason}; trying again in ${Math.ceil(waitMs / 1000)} s`);
  };
}

/**
 * A configuration that lies in the current folder came with whatever was checked out there. It may name a platform of its
 * own, but must not send a token for one platform to the addresses of another.
 */
function refuseStrayTokens(host: Host, config: Config): void {
  if (config.location.explicit || config.location.read !== folderConfigFile(host)) return;
  const fromFile = (key: ConfigKey) => config.source(key) === 'file';
  const originOf = (key: ConfigKey) =>
    URL.canParse(config.get(key)) ? new URL(config.get(key)).origin : config.get(key);
  const stray =
    (fromFile('platform.api') && originOf('platform.audience') !== originOf('platform.api')) ||
    (fromFile('platform.issuer') && !fromFile('platform.api'));
  if (!stray) return;
  throw new CliError('local', `"${config.location.read}" would send a token for another platform to its addresses`, {
    code: 'local.stray-token',
    hint: 'if you trust it, name it: `--config chainctl/config.yaml`',
  });
}
