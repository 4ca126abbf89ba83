// The platform in this process.

import { join } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { codeOf, toFileError } from '../../files.ts';
import type { Platform } from '../../local/platform.ts';
import type { PlatformFile } from '../../local/platform-file.ts';
import { boundLog } from './bounded-log.ts';
import { localCommand, runningPlatform, toStateError } from './folder.ts';
import type { ListenAddress } from './listen.ts';
import { createLineWriter, requestLine } from './request-log.ts';

export interface StartOptions {
  readonly folder: string;
  readonly seed: 'demo' | 'empty';
  readonly listen?: ListenAddress;
  /** Audiences whose tokens the API takes besides. */
  readonly audience: readonly string[];
  /** Host names it answers to besides. */
  readonly hostAlias: readonly string[];
  readonly asksForCode: boolean;
}

export interface StartResult {
  readonly info: PlatformFile;
  readonly already: boolean;
  readonly here?: Platform;
}

export async function startHere(context: Context, options: StartOptions): Promise<StartResult> {
  const { startPlatform, PlatformBusyError } = await import('../../local/platform.ts');
  const { badCloudVariable, cloudAddressesIn } = await import('../../local/iam/clouds/addresses.ts');
  const { folder, seed, listen, audience, hostAlias, asksForCode } = options;
  const bad = badCloudVariable(context.host.env);
  const { consoleCloudsIn } = await import('../console/clouds.ts');
  const { issuerOriginsVariable, parseOrigins } = await import('../../local/issuer/issuer-origins.ts');
  if (bad !== undefined) throw new CliError('usage', `"${bad}" is not an http or https URL without query`);
  const issuerOrigins = readOrigins(() => parseOrigins(context.host.env[issuerOriginsVariable] ?? ''));
  // In the background, standard error is the log in its folder.
  const noteLogged = boundLog(join(folder, 'platform.log'), 2);
  const log = createLineWriter((text) => {
    context.host.stderr.write(text);
    noteLogged(Buffer.byteLength(text));
  });
  try {
    const here = await startPlatform({
      dataDir: folder,
      seed,
      asksForCode,
      ...(listen === undefined ? {} : { host: listen.host, port: listen.port }),
      audiences: audience,
      hostAliases: hostAlias,
      clouds: cloudAddressesIn(context.host.env),
      consoleClouds: consoleCloudsIn(context.host),
      issuerOrigins,
      log: (entry) => log(requestLine(entry, context.io.errStyle)),
    });
    await warnOfOtherSeed(context, here, seed);
    // The file is what other processes read; this one must not tell anything else.
    const info = await runningPlatform(folder);
    if (info === undefined) throw new Error('the platform started without saying where');
    return { info, already: false, here };
  } catch (error) {
    if (error instanceof PlatformBusyError) return { info: await waitForOther(context, folder), already: true };
    throw toStartError(toStateError(error, folder), options);
  }
}

function readOrigins(read: () => ReadonlySet<string>): ReadonlySet<string> {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw new CliError('usage', error.message);
    throw error;
  }
}

async function warnOfOtherSeed(context: Context, platform: Platform, wanted: string): Promise<void> {
  const { readMeta } = await import('../../local/store/meta.ts');
  const seed = platform.store.read((tx) => readMeta(tx, 'seed'));
  if (seed === undefined || seed === wanted) return;
  const reset = localCommand(context, platform.dataDir, 'reset');
  context.io.warn(`this folder was filled with "${seed}" and stays so; \`${reset}\` empties it`);
}

/** Whoever holds the folder may still be filling it: its addresses come when it listens. */
async function waitForOther(context: Context, folder: string): Promise<PlatformFile> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const other = await runningPlatform(folder);
    if (other !== undefined) return other;
    await context.host.sleep(50, context.signal);
  }
  throw new CliError('conflict', `Another process is using "${folder}" and does not become ready`, {
    code: 'local.busy',
    hint: 'look for it with `ps`, or use another folder with `--data-dir`',
  });
}

const listenReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program is listening there',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EACCES: 'ports below 1024 need special rights',
  ENOTFOUND: 'the name is not known',
};

function toStartError(error: unknown, { folder, listen }: StartOptions): unknown {
  if (error instanceof CliError || !(error instanceof Error)) return error;
  const syscall = 'syscall' in error ? error.syscall : undefined;
  if (syscall === 'listen' || syscall === 'bind' || syscall === 'getaddrinfo') {
    const where = listen === undefined ? 'loopback' : `${listen.host}:${listen.port}`;
    const reason = listenReasons[codeOf(error)] ?? codeOf(error);
    return new CliError('local', `Cannot listen on ${where}: ${reason}`, {
      code: 'local.listen',
      hint: 'choose another address with `--listen`; port 0 takes any that is free',
      cause: error,
    });
  }
  // SQLite has a code of its own for it.
  if (/database or disk is full/.test(error.message)) {
    return toFileError(Object.assign(new Error(error.message), { code: 'ENOSPC' }), 'write', folder);
  }
  if (/^E[A-Z]+$/.test(codeOf(error))) return toFileError(error, 'write', folder);
  if (
    /SQLITE|ERR_SQLITE/.test(codeOf(error)) ||
    /database (disk image|file)|file is not a database/.test(error.message)
  ) {
    return new CliError('local', `The state in "${folder}" cannot be used: ${error.message}`, {
      code: 'local.corrupt-state',
      hint: 'move the folder away, or use another one with `--data-dir`',
      cause: error,
    });
  }
  return error;
}
