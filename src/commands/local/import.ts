import { defineCommand, defineView } from '../../cli/define.ts';
import { choice } from '../../cli/inputs/values.ts';
import { printable } from '../../cli/io.ts';
import type { Written } from '../../local/iam/copied-organization.ts';
import { fromInput, parentInput, readOriginal, withStore } from './copy.ts';
import { dataDirInput, folderOf, localCommand } from './folder.ts';
import { platformFolder } from './snapshot/snapshots.ts';
import { holdingFolder, refuseWhileRunning } from './standing.ts';

interface Imported extends Written {
  readonly id: string;
  readonly name: string;
}

const importView = defineView<Imported>({
  id: ({ id }) => id,
  columns: [
    { head: 'ORGANIZATION', value: ({ name }) => name },
    { head: 'FOLDERS', align: 'right', value: ({ folders }) => folders },
    { head: 'ROLES', align: 'right', value: ({ roles }) => roles },
    { head: 'IDENTITIES', align: 'right', value: ({ identities }) => identities },
    { head: 'PEOPLE', align: 'right', value: ({ people }) => people },
    { head: 'BINDINGS', align: 'right', value: ({ bindings }) => bindings },
    { head: 'ID', id: true, value: ({ id }) => id, wide: true },
  ],
});

export default defineCommand({
  path: ['local', 'import'],
  changesHere: true,
  summary: 'Copy an organization into the local platform.',
  description:
    'Folders, roles, identities, people, bindings, identity providers, group mappings and cloud accounts, under the same ids, so ' +
    'that a change can be tried on a copy. Only lists are asked; secrets, keys, tokens, invites and images are not copied. An ' +
    'earlier copy is replaced. A running platform must be stopped first.',
  inputs: {
    from: fromInput,
    parent: parentInput,
    people: {
      kind: choice('keep', 'pseudonyms'),
      default: 'keep',
      help: 'Keep the addresses of people, so that they sign in here with them, or give each one another.',
    },
    dataDir: dataDirInput,
  },
  examples: [
    { text: 'The organization in production', args: '--from=production --parent=example.com' },
    { text: 'Without the names of people', args: '--from=production --parent=example.com --people=pseudonyms' },
  ],
  view: importView,
  formats: ['table', 'json', 'id'],
  confirm: async ({ from, parent, dataDir }, context) => {
    const folder = platformFolder(context, dataDir);
    await refuseWhileRunning(context, folder);
    const { reference } = await readOriginal(context, from, parent);
    const { isOrganizationHere } = await import('../../local/iam/copied-organization.ts');
    const isHere = await withStore(context, folder, (store) =>
      store.read((tx) => isOrganizationHere(tx, reference.id)),
    );
    if (!isHere) return undefined;
    return {
      message: `Replace who may do what in "${reference.name}" of the platform in "${folder}"?`,
      default: true,
      isHere: true,
    };
  },
  run: async (context, { from, parent, people, dataDir }) => {
    const folder = platformFolder(context, dataDir);
    const { reference, copy, unseen } = await readOriginal(context, from, parent);
    const { keepSalt, pseudonymized, writeOrganization } = await import('../../local/iam/copied-organization.ts');
    const written = await holdingFolder(context, folder, () =>
      withStore(context, folder, (store) =>
        store.transact((tx) => {
          keepSalt(tx);
          return writeOrganization(tx, people === 'pseudonyms' ? pseudonymized(tx, copy) : copy, people);
        }),
      ),
    );
    for (const sentence of unseen) context.io.warn(`${sentence} The copy lacks them.`);
    if (written.orphans > 0) {
      context.io.warn(`${written.orphans} bindings are of identities that no list shows, and were left out.`);
    }
    if (written.otherRoles.length > 0) {
      const names = written.otherRoles.join(', ');
      context.io.warn(printable(`Built-in roles that allow something else here than there: ${names}.`));
    }
    const start = localCommand(context, folderOf(context, dataDir), 'start');
    context.io.note(`Start it with \`${start}\`, and sign in as anybody with \`chainctl local token --email\`.`);
    return { ...written, id: reference.id, name: reference.name };
  },
});
