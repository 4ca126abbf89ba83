// The entry: argv to exit code. Guarantees: the version and the Docker helper are answered before anything else loads, the
// outside world included, and only here is the process ended, after everything was written.

import { isExecutable } from '../build.ts';
import { CliError, exitCodes, OutputClosed } from '../errors.ts';
import type { Host } from '../host.ts';
import { pageAskedFor } from './page-asked-for.ts';

async function main(): Promise<void> {
  // An executable's argv[1] is a path inside of it. Cut by hand: node:path takes Bun as long as the whole answer of `version`.
  const started = (isExecutable ? process.argv0 : process.argv[1]) ?? '';
  const slash = process.platform === 'win32' ? /[/\\]/ : '/';
  const invoked = (started.split(slash).at(-1) ?? '').replace(/\.(js|cjs|exe)$/i, '');
  const words = process.argv.slice(2);
  const isHelper = invoked === 'docker-credential-cgr';
  if (isHelper || words[0] === '__docker-credential-cgr') {
    // Packagers link the helper's name to chainctl itself (protocols 7.1).
    const { runHelper } = await import('../credential-helper.ts');
    return runHelper(isHelper ? words : words.slice(1));
  }
  if (isExecutable && asksForVersion(words)) {
    const { versionText } = await import('../version.ts');
    const { writesOut } = await import('../bun-output.ts');
    if (await writesOut(versionText())) return;
  }
  if (isExecutable && (await tellsHelp(words))) return;
  const { createRealHost } = await import('../real-host.ts');
  const host = createRealHost();
  const isProvider = invoked === 'kubelet-credential-provider-cgr';
  if (isProvider || words[0] === '__kubelet-credential-provider-cgr') {
    const { runProvider } = await import('../kubelet/credential-provider.ts');
    // The kubelet sets the time limit; a signal simply ends it, since nothing is kept.
    return finish(await runProvider(host, isProvider ? words : words.slice(1), new AbortController().signal));
  }
  try {
    await run(host);
    finish(exitCodes.done);
  } catch (error) {
    await fail(error, host);
  }
}

const asksForVersion = (words: readonly string[]): boolean =>
  words.length === 1 && (words[0] === '--version' || words[0] === 'version');

async function tellsHelp(words: readonly string[]): Promise<boolean> {
  const page = pageAskedFor(words);
  if (page === undefined) return false;
  const { isEightyColumns, writesAll } = await import('./quick-help.ts');
  const { builtHelp } = await import('./built-help.ts');
  if (!Object.hasOwn(builtHelp, page) || !isEightyColumns(process.env['COLUMNS'])) return false;
  const text = (await builtHelp[page]?.())?.default ?? '';
  return writesAll(Buffer.from(text));
}

async function fail(error: unknown, host: Host): Promise<void> {
  if (error instanceof OutputClosed) return finish(exitCodes.done);
  try {
    const { reportError } = await import('./report.ts');
    finish(reportError(error, host));
  } catch {
    // An update took the program's files away while it ran. Failing once more would come back here for ever.
    host.stderr.write('error: The files of chainctl were replaced while it ran\nhint: run it again\n');
    finish(exitCodes.failed);
  }
}

async function run(host: Host): Promise<void> {
  // The quick way could not write it; here the reason is told.
  if (asksForVersion(host.argv)) {
    const { versionText } = await import('../version.ts');
    host.stdout.write(versionText());
    return;
  }
  // A rejection that nobody awaits fails like everything else: with one sentence and its exit code.
  process.on('uncaughtException', (error) => void fail(error, host));
  const controller = new AbortController();
  let signals = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      signals += 1;
      // The second time a person means it: whatever still hangs is left behind.
      if (signals > 1) process.exit(exitCodes.interrupted);
      controller.abort(new CliError('cancelled', 'Interrupted', { code: 'cancelled', cause: name }));
    });
  }
  const { runProgram } = await import('./program.ts');
  await runProgram(host, controller.signal);
}

function finish(code: number): void {
  process.exitCode = code;
  // Kept-alive sockets would hold the process for seconds; a read of stdin that nobody answers would hold it for ever.
  setImmediate(() => process.exit(code));
}

void main();
