// The keychain that holds refresh tokens, where it holds any.

import { KeychainError, openKeychain } from '../auth/keychain.ts';
import { readAllTokens, refreshStoreOf } from '../auth/refresh-store.ts';
import { type Check, ok, skip, wrong } from './check.ts';
import { decider } from './configuration.ts';

export const keychain: Check = {
  name: 'keychain',
  async look({ host, config }) {
    const wanted = config.get('auth.token-store');
    const audience = config.get('platform.audience');
    const where = { file: config.path, key: decider(config, 'auth.token-store') };
    const fix = 'chainctl config set auth.token-store file && chainctl auth login';
    if (refreshStoreOf(host, audience) === 'keychain') {
      const { keychainProblem } = await readAllTokens(host, audience);
      if (keychainProblem === undefined) return [ok('The keychain gives the refresh token of the login', where)];
      return [wrong(`The keychain does not give the refresh token that it holds: ${keychainProblem}`, fix, where)];
    }
    if (wanted !== 'keychain') return [skip('The login keeps nothing in a keychain')];
    try {
      await openKeychain(host);
      return [ok('There is a keychain', where)];
    } catch (error) {
      if (!(error instanceof KeychainError)) throw error;
      return [wrong(`Refresh tokens are to be kept in a keychain, and there is none: ${error.message}`, fix, where)];
    }
  },
};
