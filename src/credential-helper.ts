// The Docker credential helper (protocols 7.2). Guarantees: a token that is still good costs one small file and loads no
// configuration, HTTP or command; nobody is asked on the terminal; stdout holds Docker's protocol and nothing else.

import { existsSync, fstatSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  audienceFolder,
  cacheRootIn,
  contextsFolderName,
  readSecret,
  tokenFileName,
  UnsafeCacheError,
} from './auth/cache-files.ts';
import { expiryOf } from './auth/jwt.ts';
import { cacheDir, type Host } from './host.ts';
import { parseObject } from './json.ts';
import { isNullDevice } from './null-device.ts';

const name = 'docker-credential-cgr';
const notFound = 'credentials not found in native keychain';
const noServer = 'no credentials server URL';
const noUser = 'no credentials username';
/** As of a command that was interrupted. */
const interrupted = 130;
const usage = `Usage: ${name} <get|store|erase|list|version>`;

/** Docker stops believing a token a little before it ends; so do we (protocols 3.6). */
const renewBelowMs = 60_000;

/** Answers one request of Docker's from standard input and sets the exit code. Never throws. */
export async function runHelper(words: readonly string[] = process.argv.slice(2)): Promise<void> {
  let answer: Answer;
  try {
    answer = await respond(words);
  } catch (error) {
    answer = await failed(error);
  }
  if (answer.complaint !== undefined) write(2, `${name}: ${answer.complaint}\n`);
  const isLost = answer.text !== undefined && isStdoutClosed();
  if (isLost) write(2, `${name}: standard output is closed, so there is nobody to answer\n`);
  const problem = isLost || answer.text === undefined ? undefined : write(1, `${answer.text}\n`);
  if (problem !== undefined && !isCode(problem, 'EPIPE')) {
    const { toFileError } = await import('./files.ts');
    write(2, `${name}: ${toFileError(problem, 'write', 'standard output').message}\n`);
  }
  // Docker must not take half an answer, or none, for the whole.
  process.exitCode = isLost || problem !== undefined ? answer.code || 1 : answer.code;
}

interface Answer {
  readonly code: 0 | 1 | typeof interrupted;
  /** One line for Docker. */
  readonly text?: string;
  /** One line for the person. */
  readonly complaint?: string;
}

async function respond(words: readonly string[]): Promise<Answer> {
  const [action = ''] = words;
  if (words.length !== 1) return { code: 1, text: usage };
  switch (action) {
    case 'get':
      return get(readInput().trim());
    case 'store':
      return store(readInput());
    case 'erase':
      return erase(readInput().trim());
    case 'list':
      return list();
    case 'version':
    case '--version':
    case '-v': {
      const { versionInfo } = await import('./version.ts');
      return { code: 0, text: `${name} (chainctl) ${versionInfo().gitVersion}` };
    }
    case '--help':
    case '-h':
      return { code: 0, text: usage };
    default:
      return { code: 1, text: `${name}: unknown action: ${action}` };
  }
}

async function get(server: string): Promise<Answer> {
  if (server === '') return { code: 1, text: noServer };
  const host = hostOf(server);
  if (host === undefined) return { code: 1, text: notFound };
  const audiences = audiencesFor(host);
  const secret = cachedToken(audiences) ?? (await renewedToken(audiences));
  if (secret === undefined) return { code: 1, text: notFound };
  return { code: 0, text: JSON.stringify({ ServerURL: server, Username: '_token', Secret: secret }) };
}

/**
 * The host of what Docker sends, with its port: `https://CGR.dev/v2/` is cgr.dev. Undefined for what is no host, so that
 * a name can never become a path.
 */
export function hostOf(server: string): string | undefined {
  // Cut by hand: a pattern that ignores case costs more than the rest of the answer together.
  const scheme = server.indexOf('://');
  const rest = scheme < 0 ? server : server.slice(scheme + 3);
  const slash = rest.indexOf('/');
  const host = (slash < 0 ? rest : rest.slice(0, slash)).toLowerCase();
  // Longer than any folder's name can be.
  if (host.length > 255) return undefined;
  return /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/.test(host) ? host : undefined;
}

/** The audiences whose token serves a host: its own, and for Chainguard's further hosts that of cgr.dev. */
function audiencesFor(host: string): string[] {
  return host.endsWith('.cgr.dev') ? [host, 'cgr.dev'] : [host];
}

function cachedToken(audiences: readonly string[]): string | undefined {
  const root = cacheRootIn(cacheDir({ platform: process.platform, env: process.env, home }));
  // Then the selected context decides whose login it is, and only the configuration knows which one that is.
  if (existsSync(join(root, contextsFolderName))) return undefined;
  for (const audience of audiences) {
    const token = readSecret(root, join(root, audienceFolder(audience, process.platform)), tokenFileName);
    if (token !== undefined && expiryOf(token) - Date.now() > renewBelowMs) return token;
  }
  return undefined;
}

function home(): string {
  const folder = process.env['HOME'] || process.env['USERPROFILE'];
  // Finding it in the password file would cost loading node:os before it is known to be needed.
  if (folder) return folder;
  try {
    return (process.getBuiltinModule('node:os') as typeof import('node:os')).homedir();
  } catch {
    // The user of a container need not be in it.
    throw Object.assign(new Error('There is no home folder'), { hint: 'set HOME' });
  }
}

/** `docker login` with a helper configured lands here. What it hands over is not kept (protocols Q11). */
function store(input: string): Answer {
  const request = parseObject(input);
  if (request === undefined) return { code: 1, text: 'the credentials to store are not a JSON object' };
  if (typeof request['ServerURL'] !== 'string' || request['ServerURL'] === '') return { code: 1, text: noServer };
  const user = request['Username'];
  if (typeof user !== 'string' || user === '') return { code: 1, text: noUser };
  if (!/^[0-9a-f]{40}(?:\/[0-9a-f]{16})*$/.test(user)) return { code: 0 };
  return {
    code: 1,
    text: 'pull tokens are not kept by this helper: save one with `chainctl auth configure-docker --pull-token --save`',
  };
}

async function erase(server: string): Promise<Answer> {
  if (server === '') return { code: 1, text: noServer };
  const registry = hostOf(server);
  if (registry !== undefined) {
    const { forgetRegistry } = await import('./docker/registry-token.ts');
    await withHost((host) => forgetRegistry(host, registry));
  }
  return { code: 0 };
}

async function list(): Promise<Answer> {
  const { cachedRegistries } = await import('./docker/registry-token.ts');
  const hosts = await withHost(cachedRegistries);
  return { code: 0, text: JSON.stringify(Object.fromEntries(hosts.map((host) => [`https://${host}`, '_token']))) };
}

async function renewedToken(audiences: readonly string[]): Promise<string | undefined> {
  const { tokenForRegistry } = await import('./docker/registry-token.ts');
  const controller = new AbortController();
  // Ctrl-C in a pull reaches this process too. Ended at once it could take a login along: the refresh token is spent, and
  // its successor not yet kept.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(interrupted);
      controller.abort(new Interruption('Interrupted'));
    });
  }
  return withHost((host) => tokenForRegistry(host, audiences, controller.signal));
}

class Interruption extends Error {}

/** Everything that is not the fast path gets the real outside world, with its connections closed afterwards. */
async function withHost<T>(fn: (host: Host) => Promise<T> | T): Promise<T> {
  const { createRealHost } = await import('./real-host.ts');
  const host = createRealHost();
  try {
    return await fn(host);
  } finally {
    // A kept-alive connection would keep Docker waiting for this process to end.
    const { closeTransport } = await import('./api/transport.ts');
    await closeTransport(host);
  }
}

/** Docker goes on without credentials, so that public images still come; the person learns why on stderr. */
async function failed(raw: unknown): Promise<Answer> {
  if (raw instanceof Interruption) return { code: interrupted };
  const error = await inWords(raw);
  const hint = error instanceof UnsafeCacheError ? error.fix : hintOf(error);
  const reason = error instanceof Error ? error.message : 'unknown failure';
  const details = error instanceof Error && 'details' in error && Array.isArray(error.details) ? error.details : [];
  const said = [reason, ...details, hint].filter((part) => part !== undefined && part !== '').join('; ');
  return { code: 1, text: notFound, complaint: said.replaceAll(/[\0-\x1f\x7f-\x9f]+/g, ' ') };
}

/** Returns what the system says of a file that cannot be read, as a sentence. */
async function inWords(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('syscall' in error) || !('path' in error)) return error;
  const { toFileError } = await import('./files.ts');
  return toFileError(error, 'read', String(error.path));
}

function hintOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('hint' in error) || typeof error.hint !== 'string') return undefined;
  return error.hint;
}

const maxInputBytes = 1024 * 1024;

function readInput(): string {
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(8192);
  for (let total = 0; total < maxInputBytes; ) {
    let count: number;
    try {
      count = readSync(0, chunk, 0, chunk.length, null);
    } catch (error) {
      if (!isCode(error, 'EAGAIN')) {
        // The ends of a closed input on Windows, and an input that was never open.
        if (isCode(error, 'EOF') || isCode(error, 'EBADF')) break;
        throw error;
      }
      waitAMoment();
      continue;
    }
    if (count === 0) break;
    total += count;
    chunks.push(Buffer.from(chunk.subarray(0, count)));
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Returns whether nobody can read what is written. Node opens a closed output anew, as /dev/null, for reading and
 * writing; who throws output away, a shell or Docker, opens that for writing alone. Only Linux tells how it was opened.
 */
function isStdoutClosed(): boolean {
  try {
    if (!isNullDevice(fstatSync(1), process.platform)) return false;
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/fdinfo/1', 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & 3) === 2;
  } catch (error) {
    return isCode(error, 'EBADF');
  }
}

/** Returns why not all of it was written. */
function write(descriptor: 1 | 2, text: string): unknown {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(descriptor, bytes, offset);
    } catch (error) {
      if (!isCode(error, 'EAGAIN')) return error;
      waitAMoment();
    }
  }
  return undefined;
}

/** A pipe that somebody made non-blocking is waited for without spinning. */
function waitAMoment(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
