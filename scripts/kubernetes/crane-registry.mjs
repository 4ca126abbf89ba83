// The registry of crane on loopback. Guarantees: it never waits for somebody who reads what it logs, which a pipe would make
// it do while this process runs others and waits for them.

import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Returns the process and `127.0.0.1:PORT`; `log` is a file that it logs into. */
export async function startCraneRegistry(crane, log) {
  const server = spawn(crane, ['registry', 'serve', '--address', '127.0.0.1:0'], {
    stdio: ['ignore', 'ignore', openSync(log, 'w')],
  });
  for (let tries = 0; tries < 600; tries += 1) {
    const [, port] = /serving on port (\d+)/.exec(readFileSync(log, 'utf8')) ?? [];
    if (port) return { server, registry: `127.0.0.1:${port}` };
    await sleep(100);
  }
  server.kill();
  throw new Error(`the registry does not start: ${readFileSync(log, 'utf8')}`);
}
