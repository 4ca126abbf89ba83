// What benchmarks share that run commands against a platform of their own: its start, a login on it, and what one run takes.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const program = join(root, 'bin', 'chainctl.js');

/** Text of `--name=text` on the command line; undefined without it. */
export const option = (name) => process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Resolves with the JSON document that a program prints first, and with what stops the program: the end of its stdin, or a signal. */
export function started(args, env) {
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = (signal) => {
    if (signal === undefined) child.stdin.end();
    else child.kill(signal);
    return ended;
  };
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (/\}\s*$/.test(text)) resolve({ ...JSON.parse(text), stop });
    });
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}`)));
  });
}

/** A platform that one of the `bench-*-platform.ts` fills: its address `api`, a token of the developer, and `stop`. */
export const platformOf = (script, folder, ...sizes) =>
  started(['--import', 'tsx', join(root, 'scripts', script), join(folder, 'platform'), ...sizes.map(String)], {
    PATH: process.env.PATH,
    HOME: folder,
  });

/** The environment of commands in a folder that are logged in on a platform. */
export function signedIn(folder, { api, token }) {
  const cache = join(folder, 'cache', 'chainguard', api.replaceAll('/', '-'));
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  writeFileSync(join(cache, 'oidc-token'), token, { mode: 0o600 });
  return {
    PATH: process.env.PATH,
    HOME: folder,
    XDG_CACHE_HOME: join(folder, 'cache'),
    CHAINGUARD_PLATFORM_API: api,
    CHAINGUARD_PLATFORM_ISSUER: api,
    CHAINGUARD_PLATFORM_AUDIENCE: api,
  };
}

export function requireGnuTime() {
  if (spawnSync('/usr/bin/time', ['-f', '%M', 'true']).status !== 0) throw new Error('GNU time is needed');
}

/**
 * Resolves to what one run takes: milliseconds until its end and until its first byte, seconds of CPU time, megabytes at the
 * peak, and what it printed, unless `keeps` is false. Rejects for an exit code that is not among `codes`.
 */
export function measure(command, args, env, { memory, codes = [0], keeps = true }) {
  const began = process.hrtime.bigint();
  const elapsed = () => Number(process.hrtime.bigint() - began) / 1e6;
  return new Promise((resolve, reject) => {
    const words = ['-f', '%M %U %S', '-o', memory, command, ...args];
    const child = spawn('/usr/bin/time', words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks = [];
    let first;
    let bytes = 0;
    child.stdout.on('data', (chunk) => {
      first ??= elapsed();
      bytes += chunk.length;
      if (keeps) chunks.push(chunk);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const ms = elapsed();
      if (!codes.includes(code) || bytes === 0) {
        reject(new Error(`${command} ${args.join(' ')} ended with ${code}, ${bytes} bytes`));
        return;
      }
      // A line about an exit code that is not 0 stands before it.
      const [kb, user, system] = readFileSync(memory, 'utf8').trim().split('\n').at(-1).split(' ').map(Number);
      resolve({ ms, first, cpu: user + system, mb: kb / 1024, out: Buffer.concat(chunks).toString() });
    });
  });
}
