// The operating system's store for secrets (performance, Keychain). Promises: on Linux only the Secret Service, never the
// kernel's keyring, which forgets; whatever goes wrong in there is one kind of error; loaded when a secret is moved.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../host.ts';

/** All calls throw a KeychainError when the store cannot be reached or is locked. */
export interface Keychain {
  read(account: string): string | undefined;
  write(account: string, secret: string): void;
  /** False when there was nothing. */
  remove(account: string): boolean;
}

export class KeychainError extends Error {
  override readonly name = 'KeychainError';
}

type KeychainHost = Pick<Host, 'platform' | 'env'>;

const service = 'chainctl';

/** Throws a KeychainError where there is none. */
export async function openKeychain(host: KeychainHost): Promise<Keychain> {
  if (host.platform === 'linux' && !hasSessionBus(host)) throw new KeychainError('there is no session bus');
  const { Entry } = await loadKeyring();
  const entry = (account: string) => guarded(() => new Entry(service, account, { linux: { store: 'secret-service' } }));
  return {
    read: (account) => guarded(() => entry(account).getPassword() ?? undefined),
    write(account, secret) {
      guarded(() => entry(account).setPassword(secret));
      // A store that takes secrets and does not give them back is none: better known now than at the next renewal.
      if (guarded(() => entry(account).getPassword()) !== secret) throw new KeychainError('it did not keep the secret');
    },
    remove: (account) => guarded(() => entry(account).deletePassword()),
  };
}

/** Asked before the native part is loaded, which would wait for a bus that is not there. */
function hasSessionBus({ env }: KeychainHost): boolean {
  if (env['DBUS_SESSION_BUS_ADDRESS']) return true;
  const folder = env['XDG_RUNTIME_DIR'];
  return folder !== undefined && folder !== '' && existsSync(join(folder, 'bus'));
}

async function loadKeyring(): Promise<typeof import('@napi-rs/keyring')> {
  try {
    return await import('@napi-rs/keyring');
  } catch (error) {
    // Optional: there are systems without a prebuilt part.
    throw new KeychainError('this build of chainctl has no access to it', { cause: error });
  }
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof KeychainError) throw error;
    throw new KeychainError(error instanceof Error ? firstLine(error.message) : 'unknown reason', { cause: error });
  }
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '')
    .replaceAll(/[\0-\x1f\x7f-\x9f]+/g, ' ')
    .slice(0, 200)
    .replace(/\.$/, '');
}
