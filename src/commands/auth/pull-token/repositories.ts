// Uses of a pull token, on the command line.

import { choice } from '../../../cli/inputs/values.ts';
import { type Repository, repositories } from '../../../pull-tokens.ts';

/** Twelve values are too long for a usage line; `repositoryNames` belongs into the help beside it. */
export const repositoryKind = { ...choice(...repositories), metavar: 'REPOSITORY' };
export const repositoryNames = repositories.join(', ');

/** Names of the two variables of the env form, in the order id, token (script-contracts 2). */
export function variableNames(repository: Repository): readonly [id: string, token: string] {
  const prefix = repository === 'oci' || repository === 'apk' ? '' : `${repository.toUpperCase()}_`;
  return [`CHAINGUARD_${prefix}IDENTITY_ID`, `CHAINGUARD_${prefix}TOKEN`];
}
