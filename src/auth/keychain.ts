// The operating system's store for secrets (performance, Keychain). Guarantees: on Linux only the Secret Service, never the
// kernel's keyring, which forgets; whatever goes wrong in there is one kind of error; loaded when a secret is moved; a
// keychain that asks a person to unlock it keeps only its caller waiting, so that locks held meanwhile stay alive.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AsyncEntry } from '@napi-rs/keyring';
import type { Host } from '../host.ts';

/** All calls reject with a KeychainError when the store cannot be reached or is locked. */
export interface Keychain {
  read(account: string): Promise<string | undefined>;
  write(account: string, secret: string): Promise<void>;
  /** False when there was nothing. */
  remove(account: string): Promise<boolean>;
}

export class KeychainError extends Error {
  override readonly name = 'KeychainError';
}

type KeychainHost = Pick<Host, 'platform' | 'env'>;

const service = 'chainctl';

/** Throws a KeychainError where there is none. */
export async function openKeychain(host: KeychainHost): Promise<Keychain> {
  if (host.platform === 'linux' && !hasSessionBus(host)) throw new KeychainError('there is no session bus');
  const { AsyncEntry } = await loadKeyring();
  const ask = <T>(account: string, what: (entry: AsyncEntry) => Promise<T>) =>
    guarded(() => what(new AsyncEntry(service, account, { linux: { store: 'secret-service' } })));
  return {
    read: async (account) => (await ask(account, (entry) => entry.getPassword())) ?? undefined,
    async write(account, secret) {
      await ask(account, (entry) => entry.setPassword(secret));
      // A store that takes secrets and does not give them back is none: better known now than at the next renewal.
      const kept = await ask(account, (entry) => entry.getPassword());
      if (kept !== secret) throw new KeychainError('it did not keep the secret');
    },
    remove: (account) => ask(account, (entry) => entry.deletePassword()),
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

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
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
