// Reads cloud settings of the console's pages from this machine's environment.

import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { CallFailure } from '../../console/caller.ts';
import {
  awsTemplateVariable,
  type CloudSetup,
  cloudSetupProblem,
  type GoogleSetup,
  googleAddressesIn,
  googleClientIn,
  googleClientVariable,
} from '../../console/clouds.ts';
import { CliError } from '../../errors.ts';
import type { Host } from '../../host.ts';

/** Without how it is asked. Throws a usage CliError for what cannot be used. */
export function consoleCloudsIn({ env, cwd }: Host): {
  readonly awsTemplate?: string;
  readonly google: Omit<GoogleSetup, 'ask' | 'gcloud'>;
} {
  const problem = cloudSetupProblem(env);
  if (problem !== undefined) throw new CliError('usage', problem, { code: 'usage.bad-cloud-setup' });
  const file = env[googleClientVariable];
  const template = env[awsTemplateVariable];
  return {
    ...(template ? { awsTemplate: template } : {}),
    google: {
      addresses: googleAddressesIn(env),
      ...(file ? { client: clientIn(resolve(cwd, file)) } : {}),
    },
  };
}

function clientIn(path: string): { readonly id: string; readonly secret?: string } {
  try {
    return googleClientIn(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof RangeError ? error.message : 'it cannot be read';
    throw new CliError('usage', `${googleClientVariable} names ${path}, but ${reason}`, {
      code: 'usage.bad-cloud-setup',
      hint: 'download the OAuth client in the Google Cloud console, under APIs & Services, Credentials',
      cause: error,
    });
  }
}

/** For the one person whose login this is: who is logged in to gcloud here is that person too. */
export function cloudSetupOf(context: Context): CloudSetup {
  const { google, ...rest } = consoleCloudsIn(context.host);
  return {
    ...rest,
    google: {
      ...google,
      ...(hasGcloud(context) ? { gcloud: () => gcloudToken(context) } : {}),
      async ask({ method, url, headers, body }) {
        const { send } = await import('../../api/transport.ts');
        try {
          return await send(context.host, {
            method,
            url,
            headers,
            ...(body === undefined ? {} : { body }),
            timeoutMs: 10_000,
            maxBytes: 4 * 1024 * 1024,
            signal: context.signal,
          });
        } catch (error) {
          if (!(error instanceof CliError)) throw error;
          throw new CallFailure('unreachable', `Google cannot be asked: ${error.message}.`, error);
        }
      },
    },
  };
}

const gcloud = (context: Context, args: readonly string[]): Promise<string> =>
  new Promise((done, fail) => {
    const { env, cwd, platform } = context.host;
    // On Windows it is a script, which only a shell runs; its words are ours to the letter.
    const shell = platform === 'win32';
    const options = { env: { ...env }, cwd, shell, timeout: 20_000, maxBuffer: 64 * 1024 };
    // A start of the platform reads the settings only.
    const { execFile } = process.getBuiltinModule('node:child_process');
    execFile('gcloud', [...args], options, (error, out) => (error ? fail(error) : done(out)));
  });

function hasGcloud({ host }: Context): boolean {
  const names = host.platform === 'win32' ? ['gcloud.cmd', 'gcloud.exe'] : ['gcloud'];
  for (const folder of (host.env['PATH'] ?? '').split(delimiter).filter((each) => each !== '')) {
    for (const name of names) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return true;
      } catch {
        // Not in this one.
      }
    }
  }
  return false;
}

async function gcloudToken(context: Context): Promise<string> {
  const told = 'gcloud gives no token: log in with `gcloud auth login` in a terminal, then authenticate once more.';
  try {
    const token = (await gcloud(context, ['auth', 'print-access-token'])).trim();
    if (/^[\w.~+/=-]{10,4096}$/.test(token)) return token;
  } catch (error) {
    context.debug(() => `gcloud auth print-access-token: ${(error as NodeJS.ErrnoException).code ?? 'failed'}`);
  }
  throw new CallFailure('refused', told);
}
