// A local platform with a long list of identities. argv: data folder, rows.

import { demoOrganizations } from '../src/local/iam/seed.ts';
import { insertIdentity } from '../src/local/iam/stored-identity.ts';
import { servePlatform } from './bench-serve.ts';

const [, , dataDir = '', rows = '0'] = process.argv;

void servePlatform(dataDir, (tx) => {
  for (let at = 0; at < Number(rows); at += 1) {
    const claimMatch = {
      issuer: 'https://token.actions.githubusercontent.com',
      subjectPattern: `^repo:(?:acme/app-${at}):.*$`,
    };
    insertIdentity(tx, {
      id: `${demoOrganizations.private}/${(at * 7919).toString(16).padStart(16, '0')}`,
      name: `identity-${at}`,
      description: at % 3 === 0 ? 'Builds and publishes the images of one service' : '',
      relationship: { kind: 'claimMatch', claimMatch },
    });
  }
});
