// The organization that was looked at last, kept from one console to the next. Guarantees: a file that cannot be read or
// written costs the memory and nothing else; it holds an id and no secret.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isUidp } from '../../api/uidp.ts';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { readTextIfExists, replaceFile } from '../../files.ts';
import { cacheDir } from '../../host.ts';

export interface LastOrganization {
  /** Id or name; undefined when there is none. */
  get(): string | undefined;
  set(id: string): void;
}

/** Belongs to a platform and a default group: another context begins with its own. */
export function lastOrganizationOf({ host, config, debug }: Context): LastOrganization {
  const group = config.get('default.group');
  const key = createHash('sha256')
    .update(`${config.get('platform.api')}\n${group}`)
    .digest('hex');
  const attempt = <T>(work: (file: string) => T): T | undefined => {
    try {
      return work(join(cacheDir(host), 'chainctl', `console-${key.slice(0, 16)}`));
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      debug(() => `the last organization of the console: ${error.message}`);
      return undefined;
    }
  };
  const kept = attempt(readTextIfExists)?.trim() ?? '';
  // Take the root of the default group, by name or id.
  let last = isUidp(kept) ? kept : group.split('/')[0] || undefined;
  return {
    get: () => last,
    set(id) {
      if (id === last) return;
      last = id;
      attempt((file) => replaceFile(file, `${id}\n`));
    },
  };
}
