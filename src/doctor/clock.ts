// The clock of this machine against the issuer's: a token of the future, or of the past, is refused.

import { type Check, note, ok, roughly, skip, wrong } from './check.ts';
import { answerOf, issuerAddress } from './network.ts';

/** Milliseconds from which tokens are refused, and from which it is worth a word: the header counts whole seconds. */
const refusedFrom = 60_000;
const reportedFromMs = 10_000;

const setters: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'sudo timedatectl set-ntp true',
  darwin: 'sudo sntp -sS time.apple.com',
  win32: 'w32tm /resync',
};

export const clock: Check = {
  name: 'clock',
  async look(examined) {
    const { host } = examined;
    const { headers } = await answerOf(examined, issuerAddress(examined));
    const theirs = Date.parse(String(headers['date'] ?? ''));
    if (Number.isNaN(theirs)) return [skip('The issuer does not say what time it is')];
    const ahead = host.now() - theirs;
    const statement = `The clock of this machine is ${roughly(ahead)} ${ahead > 0 ? 'ahead of' : 'behind'} the issuer's`;
    const fix = setters[host.platform];
    if (Math.abs(ahead) >= refusedFrom) return [wrong(`${statement}, so tokens are refused`, fix)];
    return [Math.abs(ahead) >= reportedFromMs ? note(statement, { fix }) : ok('The clock of this machine is right')];
  },
};
