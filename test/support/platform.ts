import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { grantsOf } from '../../src/local/authorization/access.ts';
import type { ConsoleClouds } from '../../src/local/console/console.ts';
import type { PlatformClock } from '../../src/local/core/types.ts';
import type { RequestLogEntry } from '../../src/local/http/server.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import type { CloudAddresses } from '../../src/local/iam/clouds/addresses.ts';
import { seedDemo } from '../../src/local/iam/seed.ts';
import { createUser } from '../../src/local/iam/stored-identity.ts';
import { createAccessTokens } from '../../src/local/issuer/access-tokens.ts';
import { platformKeyOwner, signingKey } from '../../src/local/keys/signing-keys.ts';
import { type Platform, type PlatformOptions, startPlatform } from '../../src/local/platform.ts';
import type { SqlRow, Store } from '../../src/local/store/database.ts';
import { afterEachTest } from './after-each-test.ts';
import { builtInRoleId, developerIssuer, people, personId } from './ids.ts';
import { sharedFolder } from './shared-folder.ts';

/** Moves only when told, and makes the same bytes in every run. */
export class TestClock implements PlatformClock {
  #now: number;
  #draws = 0;

  constructor(now = Date.parse('2026-03-27T13:55:00.785Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }

  randomBytes(count: number): Uint8Array {
    const chunks: Buffer[] = [];
    for (let made = 0; made < count; made += 32) {
      this.#draws += 1;
      chunks.push(createHash('sha256').update(`draw ${this.#draws}`).digest());
    }
    return Buffer.concat(chunks).subarray(0, count);
  }
}

export interface TestPlatformOptions {
  /**
   * `people` (when left out): organizations, folders and people of the demo without its images, which take a second.
   * `empty`: built-in roles only. `demo`: everything that users get.
   */
  readonly seed?: 'people' | 'empty' | 'demo';
  readonly clock?: PlatformClock;
  /** Used as it is and not removed afterwards; a fresh one otherwise. */
  readonly dataDir?: string;
  /** Where account associations are checked. */
  readonly clouds?: CloudAddresses;
  readonly consoleClouds?: ConsoleClouds;
  readonly delivery?: PlatformOptions['delivery'];
  readonly audiences?: readonly string[];
  readonly hostAliases?: readonly string[];
  /** Whether the sign-in page asks for the code; `local start` has it so. */
  readonly asksForCode?: boolean;
  /** Which parts it has besides iam and issuer; all of them unless said otherwise. */
  readonly modules?: PlatformOptions['modules'];
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON body, or its text when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestPlatform extends Platform {
  readonly log: readonly RequestLogEntry[];
  /** An access token as the issuer would mint it now, for the API unless said otherwise. */
  token(identity: string, options?: TokenOptions): Promise<string>;
  /** One API request; a token, or undefined to send none. */
  call(token: string | undefined, method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** A new user, bound to these roles by name or id. Returns its UIDP. */
  user(email: string, ...bindings: readonly (readonly [role: string, group: string])[]): string;
  /** Event types and subjects written so far, oldest first. */
  events(): { type: string; subject: string }[];
}

export interface TokenOptions {
  readonly audience?: string;
  /** Capabilities by group in the token; what the identity's bindings give it now when left out. */
  readonly ceiling?: ReadonlyMap<string, ReadonlySet<string>>;
  readonly ttlSeconds?: number;
  /** Verified address in the token; that of a seeded person when left out. */
  readonly email?: string;
}

/** Requests of one caller. */
interface Calls {
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** The body of an answer that has to be 200. */
  ok(method: string, path: string, body?: unknown): Promise<Answer['body']>;
  /** Status and message of an answer that is not good. */
  refusal(method: string, path: string, body?: unknown): Promise<[status: number, message: string]>;
}

/** `caller` is asked at each request, since a test may start another platform. */
export function callsOf(caller: () => { readonly platform: TestPlatform; readonly token: string }): Calls {
  const call: Calls['call'] = (method, path, body) => {
    const { platform, token } = caller();
    return platform.call(token, method, path, body === undefined ? {} : { body });
  };
  return {
    call,
    async ok(method, path, body) {
      const answer = await call(method, path, body);
      const seen = { path, status: answer.status, body: answer.status === 200 ? {} : answer.body };
      expect(seen).toEqual({ path, status: 200, body: {} });
      return answer.body;
    },
    async refusal(method, path, body) {
      const answer = await call(method, path, body);
      expect(answer.status).not.toBe(200);
      return [answer.status, answer.body.message];
    },
  };
}

const cleanups: (() => Promise<void>)[] = [];

afterEachTest(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A platform of the running test's own, stopped and removed when the test ends. */
export async function startTestPlatform(options: TestPlatformOptions = {}): Promise<TestPlatform> {
  const { seed = 'people', clock = new TestClock() } = options;
  const dataDir = options.dataDir ?? quickFolder();
  const log: RequestLogEntry[] = [];
  const platform = await startPlatform({
    dataDir,
    clock,
    clouds: options.clouds,
    consoleClouds: options.consoleClouds,
    delivery: options.delivery,
    audiences: options.audiences,
    hostAliases: options.hostAliases,
    asksForCode: options.asksForCode ?? false,
    modules: options.modules,
    seed: seed === 'demo' ? 'demo' : 'empty',
    log: (line) => log.push(line),
  });
  cleanups.push(() => platform.stop());
  await platform.filled();
  const { store, urls } = platform;
  await shareSigningKeys(store);
  if (seed === 'people' && store.read((tx) => tx.get('SELECT 1 FROM groups')) === undefined) store.transact(seedDemo);

  return {
    ...platform,
    log,
    token: (identity, { audience = urls.api, ceiling, ttlSeconds = 3600, email } = {}) => {
      const issuedAt = Math.floor(clock.now() / 1000);
      const person = people.find(({ email }) => personId(email) === identity);
      return createAccessTokens(store, urls.issuer, clock).sign({
        identity,
        audience: [audience],
        grants: ceiling ?? store.read((tx) => grantsOf(tx, identity)),
        issuedAt,
        expiresAt: issuedAt + ttlSeconds,
        act: { iss: developerIssuer, sub: person?.subject ?? 'test' },
        email: email ?? person?.email,
        emailVerified: (email ?? person?.email) !== undefined,
        profile: person === undefined ? undefined : { name: person.name },
      });
    },
    async call(token, method, path, { body, headers = {} } = {}) {
      const response = await fetch(`${urls.api}${path}`, {
        method,
        redirect: 'manual',
        // A restarted platform has the same address: a kept connection would lead to the one before.
        headers: {
          connection: 'close',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type') === 'application/json';
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    },
    user: (email, ...bindings) =>
      store.transact((tx) => {
        const identity = createUser(tx, {
          issuer: developerIssuer,
          subject: `test|${email}`,
          email,
          emailVerified: true,
        });
        for (const [role, group] of bindings) {
          bindRole(tx, { group, identity, role: /^[0-9a-f]{40}/.test(role) ? role : builtInRoleId(role) });
        }
        return identity;
      }),
    events: () =>
      store.read((tx) =>
        tx
          .all('SELECT type, subject FROM outbox ORDER BY seq')
          .map((row) => ({ type: String(row['type']), subject: String(row['subject']) })),
      ),
  };
}

// Making an RSA key takes a third of a second, and few tests are about that: one of each owner for a whole run.
const sharedKeys = new Map<string, SqlRow>();

async function shareSigningKeys(store: Store): Promise<void> {
  for (const owner of [platformKeyOwner, developerIssuer]) {
    const rows = () => store.read((tx) => tx.all('SELECT * FROM signing_keys WHERE issuer = ?', owner));
    if (rows().length > 0) continue;
    const key = sharedKeys.get(owner) ?? keyOfOtherFile(owner);
    if (key === undefined) {
      await signingKey(store, owner);
      const [made] = rows();
      if (made !== undefined) keepForOthers(owner, made);
      continue;
    }
    sharedKeys.set(owner, key);
    store.transact((tx) => {
      // As if it had been made now.
      const row = { ...key, created_at: tx.now };
      const columns = Object.keys(row).join(', ');
      const marks = Object.keys(row).map(() => '?');
      tx.run(`INSERT INTO signing_keys (${columns}) VALUES (${marks})`, ...Object.values(row));
    });
  }
}

const keyFile = (owner: string): string => join(sharedFolder(), createHash('sha256').update(owner).digest('hex'));

function keyOfOtherFile(owner: string): SqlRow | undefined {
  const path = keyFile(owner);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

function keepForOthers(owner: string, key: SqlRow): void {
  sharedKeys.set(owner, key);
  const path = keyFile(owner);
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(key), { mode: 0o600 });
  renameSync(`${path}.${process.pid}`, path);
}

/**
 * Where platforms keep their files whose folder no test names: in memory where there is room, because a platform waits for
 * the disk some thirty times before it has done anything. What must survive a crash is tested in folders of its own.
 */
const quickFolders = hasRoom('/dev/shm') ? '/dev/shm' : tmpdir();

function hasRoom(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > 2 ** 31;
  } catch {
    return false;
  }
}

/** The same where nothing waits for a disk, and perhaps nothing can be executed. */
export const quickFolder = (): string => temporaryFolder(quickFolders);

/** A folder that is removed after the running test. */
export function temporaryFolder(below = tmpdir()): string {
  const path = mkdtempSync(join(below, 'chainctl-platform-'));
  cleanups.push(async () => rmSync(path, { recursive: true, force: true }));
  return path;
}
