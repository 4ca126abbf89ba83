// Docker's credential helpers as programs: what they are told goes over their standard input, because a secret never
// becomes a word of a command (protocols 7.2).

import { spawn } from 'node:child_process';
import { CliError } from '../errors.ts';
import { codeOf } from '../files.ts';
import type { Host } from '../host.ts';

export interface StoredCredentials {
  readonly ServerURL: string;
  readonly Username: string;
  readonly Secret: string;
}

const waitMs = 60_000;
const maxAnswerLength = 1_000_000;

/**
 * Gives a login to a credential store and asks for it back: some stores keep something else than they were told, and
 * then every pull would be refused. Resolves to what puts back what the store held before, which has happened already
 * where it throws kind `local`.
 */
export async function keepInStore(
  host: Host,
  store: string,
  login: StoredCredentials,
): Promise<() => Promise<boolean>> {
  const { ServerURL, Username, Secret } = login;
  const before = await get(host, store, ServerURL);
  const stored = await run(host, store, 'store', JSON.stringify(login));
  if (stored.code !== 0) throw refused(store, 'did not take the login', reasonOf(stored, Secret));
  const after = await get(host, store, ServerURL);
  const undo = async () => {
    const action = before === undefined ? 'erase' : 'store';
    const { code } = await run(host, store, action, before === undefined ? ServerURL : JSON.stringify(before));
    return code === 0;
  };
  if (after?.Username === Username && after.Secret === Secret) return undo;
  const isUndone = await undo();
  throw new CliError(
    'local',
    `Docker’s credential store "${store}" ${after === undefined ? 'does not give back the login it took' : 'gives back another login than it was given'}`,
    {
      code: 'local.creds-store-mangles',
      details: isUndone ? [] : [`What it holds for ${ServerURL} now is of no use; erase it there.`],
      hint: `use a newer \`docker-credential-${store}\`, or remove "credsStore" from Docker’s configuration`,
    },
  );
}

async function get(host: Host, store: string, server: string): Promise<StoredCredentials | undefined> {
  const answer = await run(host, store, 'get', server);
  if (answer.code !== 0) return undefined;
  try {
    const { Username, Secret }: Partial<StoredCredentials> = Object(JSON.parse(answer.said));
    return typeof Username === 'string' && typeof Secret === 'string'
      ? { ServerURL: server, Username, Secret }
      : undefined;
  } catch {
    return undefined;
  }
}

interface Answer {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly said: string;
}

/** Throws kind `local` when the program cannot be started. */
function run(host: Host, store: string, action: 'store' | 'get' | 'erase', input: string): Promise<Answer> {
  const program = `docker-credential-${store}`;
  if (!/^[\w.-]+$/.test(store)) throw refused(store, 'did not take the login', 'it has no proper name');
  return new Promise((resolve, reject) => {
    const child = spawn(program, [action], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...host.env },
      timeout: waitMs,
      windowsHide: true,
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (said.length < maxAnswerLength) said += chunk;
    });
    child.once('error', (error) => {
      const reason = codeOf(error) === 'ENOENT' ? `${program} is not on PATH` : codeOf(error);
      reject(refused(store, 'did not take the login', reason, error));
    });
    child.once('close', (code) => resolve({ code, said }));
    // A helper that ends without reading is told apart by how it ends.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** Errors of a helper are on stdout; they are repeated only without the text it was given. */
function reasonOf({ code, said }: Answer, secret: string): string {
  const text = said
    .slice(0, 1000)
    .replaceAll(/[\0-\x1f\x7f-\x9f]+/g, ' ')
    .trim();
  return text.replaceAll(secret, '***') || `it ended with ${code ?? 'a signal'}`;
}

function refused(store: string, what: string, reason: string, cause?: unknown): CliError {
  return new CliError('local', `Docker’s credential store "${store}" ${what}: ${reason}`, {
    code: 'local.creds-store-failed',
    hint: `see that \`docker-credential-${store} version\` works, or remove "credsStore" from Docker’s configuration`,
    ...(cause === undefined ? {} : { cause }),
  });
}
