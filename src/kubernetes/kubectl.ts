// kubectl, run as the person would. Guarantees: what is secret goes in by standard input and never as a word; a failure
// carries kubectl's own words.

import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { CliError } from '../errors.ts';

export interface Kubectl {
  /** Context that is used. */
  readonly context: string;
  /** Names of those that there are. */
  readonly contexts: readonly string[];
  /** Returns what it prints. Throws a CliError with its words. */
  run(args: readonly string[], input?: string): Promise<string>;
  /** Returns whether the account may do it everywhere. */
  can(verb: string, resource: string): Promise<boolean>;
  /** The same as JSON; undefined when there is no such object. */
  find(args: readonly string[]): Promise<Record<string, unknown> | undefined>;
}

const timeoutMs = 60_000;

/** Throws a CliError when there is no kubectl, or no such context. */
export async function openKubectl(
  env: Readonly<Record<string, string | undefined>>,
  context: string | undefined,
  signal: AbortSignal,
): Promise<Kubectl> {
  const start = (args: readonly string[], input?: string) => execute(env, args, input, signal);
  const known = (await start(['config', 'get-contexts', '-o', 'name']))
    .trim()
    .split('\n')
    .filter((name) => name !== '');
  const current = context ?? (await start(['config', 'current-context']).catch(() => '')).trim();
  if (current === '' || !known.includes(current)) {
    const there = known.length === 0 ? 'the kubeconfig holds none' : `there is ${known.join(', ')}`;
    throw new CliError(
      'usage',
      context === undefined ? 'kubectl has no current context' : `kubectl has no context "${context}"`,
      {
        code: 'usage.kubectl-context',
        hint: `name one with \`--kube-context\`; ${there}`,
      },
    );
  }
  const run = (args: readonly string[], input?: string) => start([`--context=${current}`, ...args], input);
  return {
    context: current,
    contexts: known,
    run,
    async can(verb, resource) {
      // It says no by its exit code and on stdout; whatever else fails says so on stderr.
      try {
        return (await run(['auth', 'can-i', verb, resource, '--all-namespaces'])).trim().endsWith('yes');
      } catch (error) {
        if (error instanceof CliError && error.code === 'api.kubectl' && isNo(error)) return false;
        throw error;
      }
    },
    async find(args) {
      const text = await run([...args, '--ignore-not-found', '--output=json']);
      return text.trim() === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
    },
  };
}

const isNo = ({ cause }: CliError): boolean => cause instanceof Ended && /^no\b/m.test(cause.out);

/** Output of kubectl before it failed. */
class Ended extends Error {
  readonly out: string;
  constructor(out: string) {
    super('kubectl failed');
    this.out = out;
  }
}

function execute(
  env: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
  input: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('kubectl', [...args], {
      // Without a home kubectl reads and writes .kube in the current folder, which is not the person's.
      env: { ...env, HOME: env['HOME'] ?? homedir() } as NodeJS.ProcessEnv,
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
      timeout: timeoutMs,
      windowsHide: true,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') return reject(error);
      reject(
        new CliError('local', 'There is no kubectl on the PATH', {
          code: 'local.kubectl',
          hint: 'install it, then try again: https://kubernetes.io/docs/tasks/tools/',
        }),
      );
    });
    child.on('close', (code) => {
      if (code === 0) return resolve(Buffer.concat(out).toString('utf8'));
      const words = Buffer.concat(err).toString('utf8').trim().split('\n').slice(-3).join(' ');
      const verb = args.find((word) => !word.startsWith('-')) ?? '';
      reject(
        new CliError('api', `kubectl ${verb} failed: ${words === '' ? `it ended with ${code}` : words}`, {
          code: 'api.kubectl',
          hint: 'try `kubectl cluster-info` with the same context',
          cause: new Ended(Buffer.concat(out).toString('utf8')),
        }),
      );
    });
  });
}
