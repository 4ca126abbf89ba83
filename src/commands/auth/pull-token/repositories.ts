// What a pull token may be for.

import { choice } from '../../../cli/inputs/values.ts';

/** Values of `--repository` (cli.json). */
const repositories = [
  'oci',
  'apk',
  'java',
  'javascript',
  'python',
  'go',
  'dotnet',
  'java_athena',
  'javascript_athena',
  'python_athena',
  'go_athena',
  'dotnet_athena',
] as const;

export type Repository = (typeof repositories)[number];

/** Twelve values are too long for a usage line; `repositoryNames` belongs into the help beside it. */
export const repositoryKind = { ...choice(...repositories), metavar: 'REPOSITORY' };
export const repositoryNames = repositories.join(', ');

/** The role that lets a token pull from it (protocols 7.3). */
export function pullRole(repository: Repository): string {
  if (repository === 'oci') return 'registry.pull';
  if (repository === 'apk') return 'apk.pull';
  return `libraries.${repository}.pull`;
}

/** What follows the given name in the name of the identity, so that lists tell tokens apart. */
export function kindWord(repository: Repository): string {
  return repository === 'oci' ? 'registry' : repository;
}

/** Names of the two variables of the env form, in the order id, token (script-contracts 2). */
export function variableNames(repository: Repository): readonly [id: string, token: string] {
  const prefix = repository === 'oci' || repository === 'apk' ? '' : `${repository.toUpperCase()}_`;
  return [`CHAINGUARD_${prefix}IDENTITY_ID`, `CHAINGUARD_${prefix}TOKEN`];
}
