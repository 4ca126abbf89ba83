// Run as a process of its own by tests: database path and audience in, a token of https://ci.example out.

import { randomBytes } from 'node:crypto';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { allMigrations } from '../../src/local/modules.ts';
import { openStore } from '../../src/local/store/database.ts';

const [, , path = '', audience = ''] = process.argv;
const store = openStore(path, allMigrations(), { now: () => Date.now(), randomBytes });
const token = { issuer: 'https://ci.example', subject: 'robot', audience, now: Date.now() };
mintThirdPartyToken(store, token).then((text) => {
  process.stdout.write(text);
  store.close();
});
