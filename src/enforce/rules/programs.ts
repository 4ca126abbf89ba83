// CUE and Rego by the programs of those who make them, `cue` and `opa` (enforce.md 3). Guarantees: nothing of a rule
// reaches the network, other files or the environment; what takes too long, too much memory or cannot be run does not
// hold, and says so.

import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join, sep } from 'node:path';

export interface RulePrograms {
  /** Returns why the rule does not hold over a JSON document; undefined when it does. Throws nothing. */
  run(type: 'cue' | 'rego', text: string, document: string): Promise<string | undefined>;
}

const programs = {
  cue: { name: 'cue', where: 'https://cuelang.org/docs/introduction/installation/' },
  rego: { name: 'opa', where: 'https://www.openpolicyagent.org/docs/latest/#running-opa' },
} as const;

/** The program that a language needs when there is none on the PATH. */
export const missingProgram = (type: 'cue' | 'rego', path: string | undefined): string | undefined =>
  findProgram(programs[type].name, path) === undefined ? programs[type].name : undefined;

const limits = { ms: 5_000, memoryMiB: 512, addressSpaceMiB: 4096, outputBytes: 1024 * 1024, atOnce: 4 };

/** `path` is that of the environment. */
export function createRulePrograms(path: string | undefined, { ms = limits.ms } = {}): RulePrograms {
  let running = 0;
  const waiting: (() => void)[] = [];
  let opa: Promise<OpaFacts> | undefined;
  return {
    async run(type, text, document) {
      const { name, where } = programs[type];
      const program = findProgram(name, path);
      if (program === undefined)
        return `there is no program ${name} on the PATH of this machine; install it from ${where}`;
      if (running >= limits.atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
      running += 1;
      let folder: string | undefined;
      try {
        folder = mkdtempSync(join(tmpdir(), 'chainctl-rule-'));
        if (type === 'cue') return await runCue(program, folder, text, document, ms);
        opa ??= opaFacts(program, folder, ms);
        opa.catch(() => {
          opa = undefined;
        });
        return await runOpa(program, await opa, folder, text, document, ms);
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      } finally {
        if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
        running -= 1;
        waiting.shift()?.();
      }
    },
  };
}

async function runCue(
  program: string,
  folder: string,
  text: string,
  document: string,
  ms: number,
): Promise<string | undefined> {
  const foreign = foreignImport(text);
  if (foreign !== undefined) return `it imports ${foreign}, which is not part of CUE's own packages`;
  writeFileSync(join(folder, 'policy.cue'), text, { mode: 0o600 });
  // A value that stays open is no contradiction, as upstream has it; `cue vet` has another opinion.
  const { code, err } = await execute(program, ['eval', 'policy.cue', 'json:', '-'], folder, document, ms, 'ignore');
  return code === 0 ? undefined : `failed to evaluate the policy with error: ${sentence(err)}`;
}

/** CUE's own packages have no dot in their names; those under `tool/` act, and attributes reach for files. */
function foreignImport(text: string): string | undefined {
  if (/@(?:extern|embed)\s*\(/.test(text)) return 'files by an attribute';
  const [, block = ''] =
    /^((?:\s|\/\/[^\n]*\n|@[^\n]*\n|package[^\n]*\n|import\s*\([^)]*\)|import[^\n(]*\n|,|;)*)/.exec(`${text}\n`) ?? [];
  const paths = [...block.matchAll(/"([^"]*)"/g)].map(([, path = '']) => path);
  return paths.find((path) => path.includes('.') || /^tool(?:\/|$|:)/.test(path));
}

interface OpaFacts {
  /** `capabilities.json` without what reaches outside. */
  readonly capabilities: string;
  /** Policies of cosign are written in the language as it was before OPA 1.0. */
  readonly flags: readonly string[];
}

/** Schemas may refer to others anywhere, whatever `allow_net` says. */
const reachingOut = new Set([
  'http.send',
  'json.match_schema',
  'json.verify_schema',
  'net.lookup_ip_addr',
  'opa.runtime',
]);

async function opaFacts(program: string, folder: string, ms: number): Promise<OpaFacts> {
  const told = await execute(program, ['capabilities', '--current'], folder, '', ms);
  if (told.code !== 0) throw new Error(`opa does not tell its capabilities: ${sentence(told.err)}`);
  const all = JSON.parse(told.out) as { builtins?: { name: string }[] };
  const builtins = (all.builtins ?? []).filter(({ name }) => !reachingOut.has(name));
  const help = await execute(program, ['eval', '--help'], folder, '', ms);
  return {
    capabilities: JSON.stringify({ ...all, builtins, allow_net: [] }),
    flags: help.out.includes('--v0-compatible') ? ['--v0-compatible'] : [],
  };
}

const query = 'isCompliant = data.sigstore.isCompliant';

async function runOpa(
  program: string,
  { capabilities, flags }: OpaFacts,
  folder: string,
  text: string,
  document: string,
  ms: number,
): Promise<string | undefined> {
  writeFileSync(join(folder, 'sigstore.rego'), text, { mode: 0o600 });
  writeFileSync(join(folder, 'capabilities.json'), capabilities, { mode: 0o600 });
  const words = ['eval', ...flags, '--format=json', '--stdin-input', '--capabilities=capabilities.json'];
  const { out, err } = await execute(program, [...words, '--data=sigstore.rego', query], folder, document, ms);
  const answer = parse(out) as {
    errors?: { message?: string }[];
    result?: { bindings?: { isCompliant?: unknown } }[];
  };
  if (answer.errors !== undefined) return sentence(answer.errors.map(({ message = '' }) => message).join('\n'));
  if (answer.result === undefined && err !== '') return sentence(err);
  return judge(answer.result?.map(({ bindings }) => bindings?.isCompliant) ?? []);
}

/** Returns what the rule `isCompliant` may be: true, or a set of results with a text each. */
function judge(values: readonly unknown[]): string | undefined {
  const not = `policy is not compliant for query '${query}'`;
  for (const value of values) {
    if (value === true) return undefined;
    if (!Array.isArray(value)) continue;
    let reason = not;
    for (const one of value as { result?: unknown; warning?: unknown; error?: unknown }[]) {
      const { result, warning = '', error = '' } = one ?? {};
      // Upstream takes a warning for a failure, even beside a good result.
      if (result === true) return warning === '' ? undefined : `warning: ${String(warning)}`;
      reason = `${not} with errors: ${String(error)}`;
    }
    return reason;
  }
  return not;
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Throws an Error that says what was exceeded. */
function execute(
  program: string,
  args: readonly string[],
  folder: string,
  input: string,
  ms: number,
  stdout: 'pipe' | 'ignore' = 'pipe',
): Promise<Ended> {
  // Go keeps below its limit as long as it can; the shell's stops whoever goes far beyond.
  const limit = `ulimit -v ${limits.addressSpaceMiB * 1024} 2>/dev/null; exec "$0" "$@"`;
  const [command, words] = sep === '/' ? ['/bin/sh', ['-c', limit, program, ...args]] : [program, args];
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, {
      cwd: folder,
      env: {
        HOME: folder,
        CUE_REGISTRY: 'none',
        CUE_CACHE_DIR: join(folder, 'cache'),
        GOMEMLIMIT: `${limits.memoryMiB}MiB`,
        GOMAXPROCS: '2',
      },
      stdio: ['pipe', stdout, 'pipe'],
      timeout: ms,
      killSignal: 'SIGKILL',
      windowsHide: true,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    const take = (into: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size > limits.outputBytes) child.kill('SIGKILL');
      else into.push(chunk);
    };
    child.stdout?.on('data', take(out));
    child.stderr?.on('data', take(err));
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    child.on('error', (error) => reject(new Error(`${program} cannot be run: ${error.message}`)));
    child.on('close', (code, signal) => {
      const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
      if (size > limits.outputBytes) return reject(new Error('the rule printed more than 1 MiB'));
      if (signal !== null) return reject(new Error(`the rule was not decided within ${ms / 1000} s`));
      if (/out of memory|cannot allocate memory/i.test(text(err)))
        return reject(new Error('the rule needs more memory than it may have'));
      resolve({ code: code ?? 1, out: text(out), err: text(err) });
    });
  });
}

/** The first on the PATH, folders that depend on where one stands left out. */
function findProgram(name: string, path = ''): string | undefined {
  const endings = sep === '/' ? [''] : ['.exe'];
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    for (const ending of endings) {
      const file = join(folder, `${name}${ending}`);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // The next one.
      }
    }
  }
  return undefined;
}

function parse(text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch {
    return {};
  }
}

/** Returns what a program says, without the places in files that are gone. */
const sentence = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line !== '' && !/^\s/.test(line))
    .join('; ')
    .slice(0, 1000);
