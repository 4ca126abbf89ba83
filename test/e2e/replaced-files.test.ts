// The program's own files go away while it runs, as an update does it.

import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createWorld, isExecutable, projectRoot, runProcess } from '../support/program.ts';

const world = createWorld();

// An executable has all of them in it.
test.skipIf(isExecutable)('it ends with one sentence, at once', async () => {
  const person = world.person('updater');
  const copy = join(person.home, 'installed');
  mkdirSync(copy);
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(projectRoot, part), join(copy, part), { recursive: true });
  // Everything that was not loaded by the time of the first request is gone afterwards.
  const server = createServer((_request, response) => {
    rmSync(join(copy, 'dist'), { recursive: true, force: true });
    response.writeHead(500).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const words = ['auth', 'login', `--issuer=${issuer}`, '--identity-token', 'a.b.c'];
  const ran = await runProcess(process.execPath, [join(copy, 'bin', 'chainctl.js'), ...words], person.env, {
    timeoutMs: 20_000,
  });
  server.close();
  expect(ran.code).toBe(1);
  expect(ran.out).toBe('');
  expect(ran.err).toBe('error: The files of chainctl were replaced while it ran\nhint: run it again\n');
});
