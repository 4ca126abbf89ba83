// The embedded platform as one call. Guarantees: when startPlatform resolves, every protocol answers on one origin and
// `platform.json` says where; one platform per data folder; everything acknowledged is on disk, whatever ends the
// process.

import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stackOf } from '../errors.ts';
import { makeFolder } from '../files.ts';
import { lazily } from './core/lazily.ts';
import { startMaintenance } from './core/maintenance.ts';
import type { Route } from './core/module.ts';
import type { OnOccurrence } from './core/occurrence.ts';
import { createRandomness } from './core/randomness.ts';
import type { PlatformClock, PlatformUrls } from './core/types.ts';
import type { DeliveryTimes } from './events/events.ts';
import { isWildcard } from './http/host-check.ts';
import { createRouter } from './http/router.ts';
import { type RequestLogEntry, startServer } from './http/server.ts';
import type { CloudAddresses } from './iam/clouds/addresses.ts';
import {
  allMigrations,
  eventFacts,
  isChosen,
  type ModuleName,
  type ModuleOptions,
  modules,
  openModules,
} from './modules.ts';
import { removePlatformFile, writePlatformFile } from './platform-file.ts';
import { prepareSignInCode, removeSignInCode } from './sign-in-code.ts';
import { createBlobStore } from './store/blob-store.ts';
import { openStore, type Store } from './store/database.ts';
import { parseDigest } from './store/digest.ts';
import { createPrivateFile, lockFolder } from './store/folder-lock.ts';
import { readMeta, writeMeta } from './store/meta.ts';

export type { RequestLogEntry } from './http/server.ts';
export { PlatformBusyError } from './store/folder-lock.ts';

export interface PlatformOptions {
  /** Made when it is missing; everything the platform keeps is below it. */
  readonly dataDir: string;
  /** Address to listen on; 127.0.0.1 unless said otherwise. */
  readonly host?: string | undefined;
  /** 0 or nothing: the port this folder was served on last, or one the system chooses when that is taken. */
  readonly port?: number | undefined;
  /** Seed of a new folder; an existing one is left as it is. */
  readonly seed: 'demo' | 'empty';
  /** Cloud endpoints for account associations; `Offline` without. A bad address throws a RangeError. */
  readonly clouds?: CloudAddresses | undefined;
  /** Cloud actions of the console's pages, for the person who signs in there. */
  readonly consoleClouds?: ModuleOptions['consoleClouds'];
  /** Origins of issuers and key sets that may be at private addresses, or at another origin than their issuer. */
  readonly issuerOrigins?: ReadonlySet<string> | undefined;
  /** Audiences whose tokens the API takes besides those for its own address. */
  readonly audiences?: readonly string[] | undefined;
  /** Host names it answers to besides loopback ones, on any port: a proxy in front of it has a port of its own. */
  readonly hostAliases?: readonly string[] | undefined;
  /**
   * When true, the sign-in page asks for the code in a file of the folder, so that only its owner can sign in as
   * anybody.
   */
  readonly asksForCode?: boolean | undefined;
  readonly clock?: PlatformClock | undefined;
  /** Names of the modules it has, for tests; all of them unless said otherwise. */
  readonly modules?: readonly ModuleName[] | undefined;
  readonly log?: ((line: RequestLogEntry) => void) | undefined;
  /** How patiently events are delivered; as protocols Q14 has it unless said otherwise. */
  readonly delivery?: DeliveryTimes | undefined;
}

export interface Platform {
  readonly urls: PlatformUrls;
  /** Absolute. */
  readonly dataDir: string;
  readonly store: Store;
  /** Resolves when the store has everything of its seed. */
  filled(): Promise<void>;
  /** Ends it in good order. Calling it again waits for the same end. */
  stop(): Promise<void>;
}

/**
 * Throws PlatformBusyError when one is running on the folder; errors of the file system and of listening as they are.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const dataDir = resolve(options.dataDir);
  prepareFolder(dataDir);
  const lock = lockFolder(dataDir);
  const undo: (() => void | Promise<void>)[] = [() => lock.release()];
  const unwind = async (): Promise<void> => {
    const step = undo.pop();
    if (step === undefined) return;
    try {
      await step();
    } finally {
      // Whatever fails, the rest is let go of, the folder last.
      await unwind();
    }
  };

  try {
    // One that was killed leaves its file, and the lock no longer says that nobody is there.
    removePlatformFile(dataDir);
    const clock = options.clock ?? systemClock;
    const databasePath = join(dataDir, 'platform.db');
    createPrivateFile(databasePath);
    const store = openStore(databasePath, allMigrations(), clock);
    undo.push(() => store.close());
    const seeded = modules.filter((module) => isChosen(module, options.modules));
    for (const module of seeded) await module.seed?.({ store, clock, dataDir, scenario: options.seed });

    const host = options.host ?? '127.0.0.1';
    const server = await startServer({
      host,
      hostAliases: options.hostAliases,
      ports: portsToTry(store, options.port),
      now: () => clock.now(),
      log: options.log,
    });
    undo.push(() => server.stop());
    // Tokens and identities name the issuer by its URL, so the next start should have the same one.
    store.transact((tx) => {
      writeMeta(tx, 'port', String(server.port));
      writeMeta(tx, 'pid', String(process.pid));
    });

    const urls = urlsOf(host, server.port);
    const signInCode = options.asksForCode ? prepareSignInCode(dataDir) : removeSignInCode(dataDir);
    const blobs = createBlobStore(dataDir);
    const listeners: OnOccurrence[] = [];
    const tell: OnOccurrence = (occurrence, tx) => {
      for (const listener of listeners) listener(occurrence, tx);
    };
    const stopping = new AbortController();
    // Once for all: what the first request of the API needs, and soon after the start for whoever comes later.
    const filled = lazily(async () => {
      for (const { fill } of opened) await fill?.(stopping.signal);
    });
    const api = lazily(async () => {
      const [{ openApi }] = await Promise.all([import('./api/open.ts'), filled()]);
      return openApi({
        store,
        urls,
        facts: eventFacts(),
        chosen,
        opened,
        readBlob(text) {
          const digest = parseDigest(text);
          return digest === undefined ? undefined : blobs.readSmall(digest);
        },
        verifyAccessToken,
        tell,
        onCall: (request, call) => server.note(request, call),
      });
    });
    const onDefect = (error: unknown): void => noteDefect(options, clock, error);
    const { chosen, opened, verifyAccessToken } = openModules(
      {
        store,
        blobs,
        urls,
        clock,
        announcer: async () => (await api()).announce,
        onDefect,
        call: async (...asked) => (await api()).call(...asked),
        tell,
        onCall: (request, call) => server.note(request, call),
        clouds: options.clouds,
        consoleClouds: options.consoleClouds,
        issuerOrigins: options.issuerOrigins,
        audiences: options.audiences,
        signInCode,
        delivery: options.delivery,
      },
      options.modules,
    );
    listeners.push(...opened.flatMap(({ onOccurrence = [] }) => onOccurrence));
    for (const module of opened) {
      // Work that a module began ends before the connections it uses, and before the store.
      if (module.stop !== undefined) undo.push(module.stop);
      await module.begin?.();
    }
    undo.push(async () => {
      stopping.abort();
      await filled.made?.catch(() => undefined);
    });
    const whenFilled = (route: Route): Route => ({
      prefix: route.prefix,
      load: async () => {
        await filled();
        return await route.load();
      },
    });
    const direct = Object.assign({}, ...opened.map((module) => module.direct));
    server.serve({
      http1: [
        createRouter(opened.flatMap(({ routes = [], fill }) => (fill === undefined ? routes : routes.map(whenFilled)))),
        { handle: async (...exchange) => (await api()).api.handle(...exchange) },
      ],
      http2: async () => {
        const [{ createGrpc }, opened] = await Promise.all([import('./api/grpc/grpc.ts'), api()]);
        return createGrpc({ wire: opened.wire, api: opened.api, direct });
      },
    });
    for (const { start } of opened) start?.();
    const maintenance = startMaintenance(
      opened.flatMap(({ maintenance = [] }) => maintenance),
      onDefect,
    );
    undo.push(() => maintenance.stop());
    const filling = setTimeout(() => {
      filled().catch((error: unknown) => {
        if (!stopping.signal.aborted) onDefect(error);
      });
    }, fillAfter).unref();
    undo.push(() => clearTimeout(filling));
    writePlatformFile({ ...urls, dataDir, pid: process.pid });
    undo.push(() => removePlatformFile(dataDir));

    let stopped: Promise<void> | undefined;
    return {
      urls,
      dataDir,
      store,
      filled,
      stop() {
        stopped ??= unwind();
        return stopped;
      },
    };
  } catch (error) {
    await unwind();
    throw error;
  }
}

/** Logs a failure that no request caused, in one line. */
function noteDefect({ log }: PlatformOptions, clock: PlatformClock, error: unknown): void {
  log?.({ time: clock.now(), method: '', path: '', status: 500, ms: 0, error: stackOf(error) });
}

/** Milliseconds. Who starts a platform reads where it is and asks it something, and comes first. */
const fillAfter = 100;

const systemClock: PlatformClock = { now: () => Date.now(), randomBytes: createRandomness() };

/** Private to the user. A folder that holds something else keeps the mode its owner gave it. */
function prepareFolder(dataDir: string): void {
  if (makeFolder(dataDir, 0o700)) return;
  if (existsSync(join(dataDir, 'platform.db')) || readdirSync(dataDir).length === 0) chmodSync(dataDir, 0o700);
}

function portsToTry(store: Store, wanted: number | undefined): number[] {
  if (wanted !== undefined && wanted !== 0) return [wanted];
  const last = Number(store.read((tx) => readMeta(tx, 'port')) ?? 0);
  return last === 0 ? [0] : [last, 0];
}

/** One origin for all. Whoever listens on every address is reached by its own programs on loopback. */
function urlsOf(host: string, port: number): PlatformUrls {
  const name = isWildcard(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  const origin = `http://${name}:${port}`;
  return { api: origin, issuer: origin, registry: origin, console: `${origin}/console` };
}
