// Shared code of `local import` and `local diff`: an organization of another context, and the same one in a folder of
// this machine.

import { join } from 'node:path';
import { type Context, createContext } from '../../cli/context.ts';
import { contextName } from '../../cli/inputs/context-name.ts';
import type { Reference } from '../../cli/inputs/references.ts';
import { string } from '../../cli/inputs/values.ts';
import type { CopiedOrganization } from '../../local/iam/copied-organization.ts';
import type { Store } from '../../local/store/database.ts';
import { organizationNamed, readState, unseenIn } from '../iam/files/state.ts';

export const fromInput = {
  kind: contextName,
  required: true,
  help: 'Context whose platform and login are asked, as `chainctl config contexts list` names it.',
  question: 'Which context has the original?',
} as const;

export const parentInput = {
  kind: { ...string, metavar: 'NAME|ID' },
  required: true,
  help: 'Organization there.',
  question: 'Which organization?',
  example: 'example.com',
} as const;

export interface Original {
  readonly reference: Reference;
  readonly copy: CopiedOrganization;
  /** Lists that the login there does not see, a sentence each. */
  readonly unseen: readonly string[];
}

/** Reads it with lists alone, as whoever is signed in there. */
export async function readOriginal(context: Context, from: string, parent: string): Promise<Original> {
  // Addresses and flags of this run are for the platform here.
  const globals = { ...context.globals, context: from, overrides: {} };
  const there = createContext(context.host, globals, context.signal);
  await there.loadConfig();
  const reference = await organizationNamed(there, parent);
  const copy = await readState(there, reference);
  return {
    reference: { id: reference.id, name: copy.organization.name ?? parent },
    copy,
    unseen: await unseenIn(there, reference),
  };
}

/** Works on what the platform in the folder holds. */
export async function withStore<T>(context: Context, folder: string, work: (store: Store) => T): Promise<T> {
  const [{ openStore }, { allMigrations }] = await Promise.all([
    import('../../local/store/database.ts'),
    import('../../local/modules.ts'),
  ]);
  const store = openStore(join(folder, 'platform.db'), allMigrations(), context.host);
  try {
    return work(store);
  } finally {
    store.close();
  }
}
