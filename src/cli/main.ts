// The entry: argv to exit code. Promises: the version and the Docker helper are answered before anything else loads, and
// only here is the process ended, after everything was written.

import { basename } from 'node:path';
import { CliError, exitCodes } from '../errors.ts';
import { createRealHost, OutputClosed } from './real-host.ts';

async function main(): Promise<void> {
  const invoked = basename(process.argv[1] ?? '').replace(/\.(js|cjs|exe)$/, '');
  if (invoked === 'docker-credential-cgr') {
    // Packagers link the helper's name to chainctl itself (protocols 7.1).
    const { runHelper } = await import('../credential-helper.ts');
    return runHelper();
  }
  const words = process.argv.slice(2);
  if (words.length === 1 && (words[0] === '--version' || words[0] === 'version')) {
    const { versionText } = await import('../version.ts');
    return write(versionText());
  }
  const host = createRealHost();
  const controller = new AbortController();
  let signals = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      signals += 1;
      // The second time a person means it: whatever still hangs is left behind.
      if (signals > 1) process.exit(exitCodes.interrupted);
      controller.abort(new CliError('cancelled', 'Interrupted', { code: 'cancelled' }));
    });
  }
  try {
    const { runProgram } = await import('./program.ts');
    await runProgram(host, controller.signal);
  } catch (error) {
    if (error instanceof OutputClosed) return finish(exitCodes.done);
    const { reportError } = await import('./report.ts');
    return finish(reportError(error, host));
  }
  finish(exitCodes.done);

  function finish(code: number): void {
    process.exitCode = code;
    // Kept-alive sockets would hold the process for seconds; a read of stdin that nobody answers would hold it for ever.
    setImmediate(() => process.exit(code));
  }
}

function write(text: string): void {
  createRealHost().stdout.write(text);
}

void main();
