// Does the rest of the Docker credential helper's work, where no token is still good (protocols 7.2). Guarantees: nobody is
// asked on the terminal; stdout holds Docker's protocol and nothing else.

import {
  answerWith,
  audiencesFor,
  type Begun,
  hostOf,
  isCode,
  readInput,
  write,
  writeAnswer,
} from './docker/helper-request.ts';
import type { Host } from './host.ts';
import { parseObject, textOf } from './json.ts';

const name = 'docker-credential-cgr';
const notFound = 'credentials not found in native keychain';
const noServer = 'no credentials server URL';
const noUser = 'no credentials username';
/** As of a command that was interrupted. */
const interrupted = 130;
const usage = `Usage: ${name} <get|store|erase|list|version>`;

/** Answers what is left of one request and sets the exit code. Never rejects. */
export async function finish(words: readonly string[], begun: Begun): Promise<void> {
  let answer: Answer = { code: 0 };
  let { unwritten } = begun;
  if (unwritten === undefined) {
    try {
      if (begun.error !== undefined) throw begun.error;
      answer = await respond(words, begun.input);
    } catch (error) {
      answer = await failed(error);
    }
    if (answer.complaint !== undefined) write(2, `${name}: ${answer.complaint}\n`);
    if (answer.text !== undefined) unwritten = writeAnswer(answer.text);
  }
  if (unwritten?.isLost) write(2, `${name}: standard output is closed, so no answer can be written\n`);
  else if (unwritten !== undefined && !isCode(unwritten.reason, 'EPIPE')) {
    const { toFileError } = await import('./files.ts');
    write(2, `${name}: ${toFileError(unwritten.reason, 'write', 'standard output').message}\n`);
  }
  // Docker must not take half an answer, or none, for the whole.
  process.exitCode = unwritten === undefined ? answer.code : answer.code || 1;
}

interface Answer {
  readonly code: 0 | 1 | typeof interrupted;
  /** One line for Docker. */
  readonly text?: string;
  /** One line for the person. */
  readonly complaint?: string;
}

async function respond(words: readonly string[], input = ''): Promise<Answer> {
  const [action = ''] = words;
  if (words.length !== 1) return { code: 1, text: usage };
  switch (action) {
    case 'get':
      return get(input.trim());
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
  const token = await renewedToken(audiencesFor(host));
  if (token === undefined) return { code: 1, text: notFound };
  return { code: 0, text: answerWith(server, token) };
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
  // By name: the quick answer, in a file of its own, has its own class of an unsafe cache.
  const hint = textIn(error, 'fix') ?? textIn(error, 'hint');
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

function textIn(error: unknown, name: string): string | undefined {
  return error instanceof Error ? textOf(error, name) : undefined;
}
