// The checks in the order in which one thing rests on another, so that the first that is wrong is the one to mend.

import { CliError } from '../errors.ts';
import type { Check, Examined, Finding } from './check.ts';

export interface Found extends Finding {
  readonly check: string;
}

/** Each loaded when its turn comes. */
const order: readonly (() => Promise<Check>)[] = [
  async () => (await import('./configuration.ts')).configuration,
  async () => (await import('./network.ts')).network,
  async () => (await import('./clock.ts')).clock,
  async () => (await import('./ci.ts')).ci,
  async () => (await import('./keychain.ts')).keychain,
  async () => (await import('./login.ts')).login,
  async () => (await import('./helper.ts')).helper,
  async () => (await import('./docker-files.ts')).dockerFiles,
  async () => (await import('./credentials.ts')).credentials,
  async () => (await import('./sudo.ts')).sudo,
  async () => (await import('./image.ts')).image,
  async () => (await import('./npm.ts')).npm,
  async () => (await import('./pip.ts')).pip,
  async () => (await import('./pip.ts')).netrc,
  async () => (await import('./kubectl.ts')).kubectl,
];

/** These talk to a platform that may not be there. */
const needsNetwork: ReadonlySet<string> = new Set(['clock', 'login', 'image']);
const needsLogin: ReadonlySet<string> = new Set(['image']);

/** `wholly`: goes on behind what is wrong, as far as that can be told. Otherwise it is the last finding. */
export async function examine(examined: Examined, wholly: boolean): Promise<readonly Found[]> {
  const found: Found[] = [];
  const isWrong = (name: string) => found.some(({ check, state }) => check === name && state === 'wrong');
  for (const load of order) {
    const check = await load();
    if (!isAbout(check, examined)) continue;
    if (isWrong('network') && needsNetwork.has(check.name)) continue;
    if (isWrong('login') && needsLogin.has(check.name)) continue;
    examined.signal.throwIfAborted();
    const findings = (await lookAt(check, examined)).map((finding) => ({ check: check.name, ...finding }));
    const at = findings.findIndex(({ state }) => state === 'wrong');
    found.push(...(at < 0 || wholly ? findings : findings.slice(0, at + 1)));
    if (at >= 0 && !wholly) break;
  }
  return found;
}

function isAbout({ purposes }: Check, { purpose, image }: Examined): boolean {
  if (purposes === undefined) return true;
  if (purpose !== undefined) return purposes.includes(purpose);
  return image === undefined || purposes.includes('docker');
}

/** Reports a check that failed itself as something wrong. */
async function lookAt(check: Check, examined: Examined): Promise<readonly Finding[]> {
  try {
    return await check.look(examined);
  } catch (error) {
    if (!(error instanceof CliError) || error.kind === 'cancelled' || error.kind === 'internal') throw error;
    return [{ state: 'wrong', message: error.message, fix: error.hint }];
  }
}
