// The built program as its users start it. Guarantees: a home, caches and PATH of its own for every person, nothing of the
// machine's own configuration is read, and no process and no file outlives the test file that made it.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { signInAs } from './browser.ts';
import { refusePrintedSecrets, secretIn, writtenSecrets } from './secrets.ts';

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

const programNames = ['chainctl', 'docker-credential-cgr'] as const;

/**
 * Returns what is behind the name `name` on PATH: the Node build, or the executable that CHAINCTL_PROGRAM names,
 * which is all programs in one. Throws when it was not built.
 */
export function programPath(name: (typeof programNames)[number] = 'chainctl'): string {
  const executable = process.env['CHAINCTL_PROGRAM'];
  if (executable) return realpathSync(executable);
  if (!existsSync(join(projectRoot, 'dist', 'chainctl.cjs'))) throw new Error('build first: npm run build');
  return join(projectRoot, 'bin', `${name}.js`);
}

/** Whether the program under test is one file with its runtime. */
export const isExecutable = Boolean(process.env['CHAINCTL_PROGRAM']);

/** What a child process left. */
export interface Ran {
  /** Exit code; 128 and the signal's number when a signal ended it, as shells count. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

export interface RunOptions {
  /** What standard input holds; it is /dev/null when left out. */
  readonly stdin?: string;
  /** Added to the person's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Milliseconds until the test gives up on it; 60 000 unless said otherwise. */
  readonly timeoutMs?: number;
}

export type Environment = Record<string, string | undefined>;

const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGXFSZ: 25, SIGTERM: 15 };

/** Runs a program to its end. Rejects when it cannot be started or does not end in time. */
export function runProcess(command: string, args: readonly string[], env: Environment, options: RunOptions = {}) {
  return new Promise<Ran>((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, {
      env: { ...env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const limit = options.timeoutMs ?? 60_000;
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`\`${command} ${args.join(' ')}\` did not end within ${limit} ms; it said: ${out}${err}`));
    }, limit);
    let out = '';
    let err = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      err += chunk;
    });
    child.once('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(late);
      resolve({ code: code ?? 128 + (signalNumbers[signal ?? ''] ?? 0), out, err, ms: performance.now() - start });
    });
    // A program that ends without reading is told apart by how it ends.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.stdin);
  });
}

/** Somebody with a machine of their own: a home, a PATH and variables that nobody else has. */
export interface Person {
  readonly home: string;
  readonly env: Environment;
  /** `chainctl`, started by its name. */
  chainctl(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** `docker-credential-cgr <action>` with this on its standard input. */
  helper(action: string, input?: string, options?: RunOptions): Promise<Ran>;
  /** A line of POSIX shell, in the home folder. */
  sh(script: string, options?: RunOptions): Promise<Ran>;
  /** `chainctl`, which has to succeed; what it wrote to standard output, without white space around it. */
  ok(...args: readonly string[]): Promise<string>;
  /** The text of a file below the home folder. */
  read(path: string): string;
  write(path: string, content: string, mode?: number): string;
}

/** A running `chainctl local start`. */
export interface RunningPlatform {
  readonly api: string;
  readonly issuer: string;
  readonly registry: string;
  /** Host and port of the registry, as images and Docker name it. */
  readonly registryHost: string;
  readonly dataDir: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Variables that select it. */
  readonly env: Environment;
  /** Lines of its request log that hold this text, such as `POST   /sts/exchange`. */
  requests(text: string): string[];
  /** Everything it wrote to standard error. */
  log(): string;
  /** Sends a signal and waits for its end. */
  end(signal?: NodeJS.Signals): Promise<number>;
}

export interface PlatformStart {
  readonly dataDir?: string;
  readonly flags?: readonly string[];
  readonly env?: Environment;
  /** Whether the sign-in page asks for the code. */
  readonly signInCode?: boolean;
}

export interface World {
  /** The temporary folder that holds everything. */
  readonly root: string;
  person(name: string, platform?: RunningPlatform): Person;
  startPlatform(options?: PlatformStart): Promise<RunningPlatform>;
  /** A path below the temporary folder that nothing has used yet. */
  path(name: string): string;
}

/** One folder for a test file, removed at its end together with every process started through it. */
export function createWorld(): World {
  const root = mkdtempSync(join(tmpdir(), 'chainctl-e2e-'));
  const bin = join(root, 'bin');
  mkdirSync(bin);
  for (const name of programNames) symlinkSync(programPath(name), join(bin, name));
  const platforms = new Set<RunningPlatform>();
  const logs = new Set<() => string>();
  let made = 0;

  afterAll(async () => {
    await Promise.all([...platforms].map(({ end }) => end('SIGKILL')));
    const leaks = [...logs].flatMap((log) => secretIn(log()) ?? []).map((secret) => `a platform logged ${secret}`);
    leaks.push(...writtenSecrets(root, given));
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    if (leaks.length > 0) throw new Error(`secrets outside of their stores:\n${leaks.join('\n')}`);
  });

  const world: World = {
    root,
    path: (name) => {
      made += 1;
      return join(root, `${name}-${made}`);
    },
    person: (name, platform) => createPerson(world.path(name), bin, platform),
    startPlatform: async (options = {}) => {
      const dataDir = options.dataDir ?? world.path('platform');
      const { env } = world.person('operator');
      const child = spawn(
        join(bin, 'chainctl'),
        // Most tests are of something else than the code that the sign-in page asks for.
        [
          'local',
          'start',
          '--data-dir',
          dataDir,
          '--output=json',
          ...(options.signInCode ? [] : ['--no-sign-in-code']),
          ...(options.flags ?? []),
        ],
        { env: { ...env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      try {
        const platform = await announced(child);
        platforms.add(platform);
        logs.add(platform.log);
        child.once('exit', () => platforms.delete(platform));
        return platform;
      } catch (error) {
        child.kill('SIGKILL');
        throw error;
      }
    },
  };
  return world;
}

/** Files that tests wrote themselves: what is in them is not ours. */
const given = new Set<string>();

function watched(program: string, args: readonly string[], ran: Ran): Ran {
  refusePrintedSecrets({ command: [program, ...args].join(' '), ...ran });
  return ran;
}

function createPerson(home: string, bin: string, platform: RunningPlatform | undefined): Person {
  mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 });
  const env: Environment = {
    // The node that runs the tests first: the program's first line asks PATH for it.
    PATH: [bin, dirname(process.execPath), process.env['PATH']].join(delimiter),
    HOME: home,
    XDG_RUNTIME_DIR: join(home, 'run'),
    TMPDIR: home,
    TERM: 'dumb',
    LANG: 'C.UTF-8',
    ...platform?.env,
  };
  const inHome = (options?: RunOptions): RunOptions => ({ cwd: home, ...options });
  const person: Person = {
    home,
    env,
    chainctl: async (args, options) =>
      watched('chainctl', args, await runProcess(join(bin, 'chainctl'), args, env, inHome(options))),
    helper: async (action, input = '', options = {}) => {
      const more = inHome({ stdin: input, ...options });
      const program = 'docker-credential-cgr';
      return watched(program, [action], await runProcess(join(bin, program), [action], env, more));
    },
    sh: (script, options) => runProcess('/bin/sh', ['-c', script], env, inHome(options)),
    ok: async (...args) => {
      const ran = await person.chainctl(args);
      if (ran.code !== 0) throw new Error(`\`chainctl ${args.join(' ')}\` ended with ${ran.code}: ${ran.err}`);
      return ran.out.trim();
    },
    read: (path) => readFileSync(join(home, path), 'utf8'),
    write: (path, content, mode = 0o600) => {
      const full = join(home, path);
      mkdirSync(dirname(full), { recursive: true, mode: 0o700 });
      writeFileSync(full, content, { mode });
      given.add(full);
      return full;
    },
  };
  return person;
}

function announced(child: ChildProcess): Promise<RunningPlatform> {
  let out = '';
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
  });
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the platform did not start: ${out}${log}`)), 30_000);
    child.once('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`the platform ended with ${code} before it answered: ${out}${log}`));
    });
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      const line = /^\{.*\}$/m.exec(out)?.[0];
      if (line === undefined) return;
      clearTimeout(late);
      const tell = (code: number | null, signal: string | null) =>
        process.stderr.write(`the platform in ${dataDir} ended by itself (${code ?? signal}):\n${log.slice(-5000)}\n`);
      child.once('exit', tell);
      const { api, issuer, registry, console, dataDir, pid } = JSON.parse(line);
      resolve({
        api,
        issuer,
        registry,
        registryHost: new URL(registry).host,
        dataDir,
        pid,
        process: child,
        env: {
          CHAINGUARD_PLATFORM_API: api,
          CHAINGUARD_PLATFORM_AUDIENCE: api,
          CHAINGUARD_PLATFORM_ISSUER: issuer,
          CHAINGUARD_PLATFORM_CONSOLE: console,
          CHAINGUARD_PLATFORM_REGISTRY: registry,
          CHAINCTL_GITHUB_API: `${api}/simulated/github`,
        },
        requests: (text) => log.split('\n').filter((entry) => entry.includes(text)),
        log: () => log,
        end: (signal) => {
          child.off('exit', tell);
          return ended(child, signal ?? 'SIGTERM');
        },
      });
    });
  });
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number> {
  return new Promise((resolve) => {
    const done = () => resolve(child.exitCode ?? 128 + (signalNumbers[child.signalCode ?? ''] ?? 0));
    if (child.exitCode !== null || child.signalCode !== null) return done();
    child.once('exit', done);
    child.kill(signal);
  });
}

/** Signs in as CI and scripts do, with the token of a simulated issuer. */
export async function signIn(
  person: Person,
  platform: RunningPlatform,
  email = 'dev@example.com',
  audiences: readonly string[] = [],
): Promise<void> {
  const token = await person.ok('local', 'token', '--data-dir', platform.dataDir, `--email=${email}`);
  const path = person.write(`${email}.jwt`, token);
  await person.ok('auth', 'login', '--identity-token', path, ...audiences.map((each) => `--audience=${each}`));
}

/** Signs in with the browser: only such a login has a refresh token. */
export async function signInByBrowser(person: Person, email: string, audience?: string): Promise<Ran> {
  const opened = join(person.home, 'opened-address');
  rmSync(opened, { force: true });
  // Written whole or not at all, so that what is read is an address.
  const browser = person.write(
    'browser',
    `#!/bin/sh\nprintf %s "$1" > "${opened}.new" && mv "${opened}.new" "${opened}"\n`,
    0o755,
  );
  const login = person.chainctl(['auth', 'login', ...(audience === undefined ? [] : [`--audience=${audience}`])], {
    env: { BROWSER: browser },
  });
  await until(() => existsSync(opened), 'the browser is opened');
  await signInAs(readFileSync(opened, 'utf8'), email);
  return login;
}

/** Waits for something to be so. Rejects when it takes too long. */
export async function until(what: () => boolean | Promise<boolean>, name: string, limitMs = 20_000): Promise<void> {
  const start = performance.now();
  while (!(await what())) {
    if (performance.now() - start > limitMs) throw new Error(`waited ${limitMs} ms in vain until ${name}`);
    await pause(20);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Ids of the processes whose command line or environment names this path. */
export function processesUsing(path: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((entry) => ['cmdline', 'environ'].some((file) => readQuietly(`/proc/${entry}/${file}`).includes(path)))
    .map(Number);
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It ended meanwhile.
    return '';
  }
}

/** Returns where the cache keeps the tokens for an audience (semantics 3.4). */
export function tokenFolder(person: Person, audience: string): string {
  return join(person.home, '.cache', 'chainguard', audience.replaceAll('/', '-'));
}

/**
 * Turns the token for an audience into what it will be when its time is over. Clients read `exp` and verify nothing
 * (semantics 3.1), so the signature need not fit any more.
 */
export function expireToken(person: Person, audience: string): void {
  const path = join(tokenFolder(person, audience), 'oidc-token');
  const [header = '', payload = '', signature = ''] = readFileSync(path, 'utf8').split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  const over = { ...claims, iat: claims.iat - 7200, exp: claims.exp - 7200 };
  writeFileSync(path, `${header}.${Buffer.from(JSON.stringify(over)).toString('base64url')}.${signature}`);
}

/** The claims of a token. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into claims of every shape
export function claimsOf(token: string): any {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}
