// A local platform with a large organization. argv: data folder, identities, folders, bindings. Half of the bindings' roles give
// `repo.create`; all bindings count in the whole organization.

import { bindRole } from '../src/local/iam/bind-role.ts';
import { builtInRoleId } from '../src/local/iam/built-in-roles.ts';
import { insertGroup } from '../src/local/iam/groups.ts';
import { demoOrganizations } from '../src/local/iam/seed.ts';
import { insertIdentity } from '../src/local/iam/stored-identity.ts';
import { servePlatform } from './bench-serve.ts';

const [, , dataDir = '', identities = '0', folders = '0', bindings = '0'] = process.argv;
const organization = demoOrganizations.private;
const roles = ['owner', 'editor', 'viewer', 'registry.pull', 'registry.push'].map(builtInRoleId);

void servePlatform(dataDir, (tx) => {
  for (let at = 0; at < Number(folders); at += 1) {
    insertGroup(tx, { parent: organization, name: `folder-${at}`, description: '' });
  }
  const ids: string[] = [];
  for (let at = 0; at < Number(identities); at += 1) {
    const id = `${organization}/${(at * 7919).toString(16).padStart(16, '0')}`;
    ids.push(id);
    insertIdentity(tx, {
      id,
      name: `identity-${at}`,
      description: '',
      relationship: {
        kind: 'claimMatch',
        claimMatch: {
          issuer: 'https://token.actions.githubusercontent.com',
          subject: `repo:acme/app-${at}:ref:refs/heads/main`,
        },
      },
    });
  }
  for (let at = 0; at < Number(bindings); at += 1) {
    const round = Math.floor(at / ids.length);
    bindRole(tx, {
      group: organization,
      identity: ids[at % ids.length] ?? '',
      role: roles[round % roles.length] ?? '',
    });
  }
});
