// A local platform with many pull tokens. argv: data folder, pull tokens.

import { pullTokenIssuer } from '../src/api/identity-rules.ts';
import { demoOrganizations } from '../src/local/iam/seed.ts';
import { insertIdentity } from '../src/local/iam/stored-identity.ts';
import { servePlatform } from './bench-serve.ts';

const [, , dataDir = '', tokens = '0'] = process.argv;
const day = 86_400_000;

void servePlatform(dataDir, (tx) => {
  for (let at = 0; at < Number(tokens); at += 1) {
    insertIdentity(tx, {
      id: `${demoOrganizations.private}/${(at * 7919).toString(16).padStart(16, '0')}`,
      name: `pull-token-${at}`,
      description: `Mirror number ${at}`,
      relationship: {
        kind: 'static',
        static: {
          issuer: pullTokenIssuer,
          subject: `pull-token-${at}`,
          issuerKeys: '{"keys":[]}',
          expiration: new Date(Date.now() + (1 + (at % 90)) * day).toISOString(),
        },
      },
    });
  }
});
