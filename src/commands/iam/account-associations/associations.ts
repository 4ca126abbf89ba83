// The record of a group's cloud accounts as commands read and change it. Guarantees: a group has one record, made when
// it is first needed and removed with its last account; changing one account leaves the others and the texts alone.

import type {
  IamAccountAssociations,
  IamAccountAssociationsAmazon,
  IamAccountAssociationsAzure,
  IamAccountAssociationsCheckRequestAccountType,
  IamAccountAssociationsGoogle,
  IamAccountAssociationsStatus,
} from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { printable } from '../../../cli/io.ts';
import { remembered } from '../../../cli/remembered.ts';
import { CliError } from '../../../errors.ts';

/** Field of the record that holds the account of a cloud. */
export type Cloud = 'amazon' | 'google' | 'azure';

/** How a cloud is called in sentences; the log line of a check is read by people and scripts with these words. */
export const cloudNames: Readonly<Record<Cloud, string>> = { amazon: 'AWS', google: 'GCP', azure: 'Azure' };

const accountTypes: Readonly<Record<Cloud, IamAccountAssociationsCheckRequestAccountType>> = {
  amazon: 'AMAZON',
  google: 'GOOGLE',
  azure: 'AZURE',
};

/** Change of `set`: one account, and the texts of the record when they were given. */
export interface AssociationChange {
  readonly amazon?: IamAccountAssociationsAmazon;
  readonly google?: IamAccountAssociationsGoogle;
  readonly azure?: IamAccountAssociationsAzure;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
}

/** The record of exactly this group, for questions; looked up once in a run. Whoever writes reads it again. */
export const associationsOf = remembered(
  (context: Context, group: Reference) => fetchAssociations(context, group),
  ({ id }) => id,
);

async function fetchAssociations(context: Context, group: Reference): Promise<IamAccountAssociations | undefined> {
  const answer = await (await context.api()).call('iam.v1.GroupAccountAssociations.List', { group: group.id });
  return answer.items?.find((each) => each.group === group.id);
}

/** Writes what changes over what is there. Resolves to the whole record. */
export async function setAssociation(
  context: Context,
  group: Reference,
  change: AssociationChange,
): Promise<IamAccountAssociations> {
  const api = await context.api();
  const before = await fetchAssociations(context, group);
  if (before !== undefined) return api.call('iam.v1.GroupAccountAssociations.Update', merged(before, group, change));
  const named = { ...change, name: change.name ?? (await nameOf(context, group)) };
  try {
    return await api.call('iam.v1.GroupAccountAssociations.Create', merged({}, group, named));
  } catch (error) {
    if (!(error instanceof CliError) || error.kind !== 'conflict') throw error;
    // Somebody made it in between: what they wrote stays.
    const made = await fetchAssociations(context, group);
    return api.call('iam.v1.GroupAccountAssociations.Update', merged(made ?? {}, group, change));
  }
}

/** A new record is called like its group unless said otherwise (seed-era.json, `--name`). */
async function nameOf(context: Context, { id, name }: Reference): Promise<string | undefined> {
  if (id !== name) return name;
  return (await (await context.api()).call('iam.v1.Groups.List', { id })).items?.[0]?.name;
}

function merged(before: IamAccountAssociations, group: Reference, change: AssociationChange): IamAccountAssociations {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  return { ...before, ...given, group: group.id };
}

/** Takes one cloud's account out; the record goes with the last one. Throws kind `not-found` when there is none. */
export async function unsetAssociation(context: Context, group: Reference, cloud: Cloud): Promise<void> {
  const before = await fetchAssociations(context, group);
  if (before?.[cloud] === undefined) throw notAssociated(group, cloud);
  const { [cloud]: _gone, ...rest } = before;
  const api = await context.api();
  if (accountsOf(rest).length > 0) await api.call('iam.v1.GroupAccountAssociations.Update', rest);
  else await api.call('iam.v1.GroupAccountAssociations.Delete', { group: group.id });
  context.io.note(printable(`Removed the ${cloudNames[cloud]} account from "${group.name}".`));
}

export function notAssociated(group: Reference, cloud: Cloud): CliError {
  return new CliError('not-found', `"${group.name}" has no ${cloudNames[cloud]} account associated`, {
    code: 'not-found.account-association',
  });
}

/** One line an account, e.g. `aws: 123456789012`. */
export function accountsOf({ amazon, google, azure, chainguard, github }: IamAccountAssociations): string[] {
  return [
    ...(amazon === undefined ? [] : [`aws: ${amazon.account}`]),
    ...(google === undefined ? [] : [`gcp: ${google.projectId} (${google.projectNumber})`]),
    ...(azure === undefined ? [] : [`azure: ${azure.tenantId}`, ...pairs('azure', azure.clientIds)]),
    ...(chainguard === undefined ? [] : pairs('chainguard', chainguard.serviceBindings)),
    ...(github === undefined
      ? []
      : Object.entries(github.appInstallations ?? {}).flatMap(([app, { installations = [] }]) =>
          installations.map(({ name, installationId }) => `github ${app}: ${name || installationId}`),
        )),
  ];
}

const pairs = (what: string, values: Readonly<Record<string, string>> = {}) =>
  Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${what} ${key}: ${value}`);

/** Result of a check. */
export interface CheckResult {
  readonly cloud: Cloud;
  readonly group: Reference;
  readonly status: IamAccountAssociationsStatus;
}

/** Has the platform try the cloud's token exchange for real (protocols 10). */
export async function checkAssociation(context: Context, group: Reference, cloud: Cloud): Promise<CheckResult> {
  const status = await (await context.api()).call('iam.v1.GroupAccountAssociations.Check', {
    group: group.id,
    accountType: accountTypes[cloud],
  });
  return { cloud, group, status };
}

/** The error of a check that answered no: reason and message of the cloud as they are (protocols Q20). */
export function checkVerdict(results: readonly CheckResult[]): CliError | undefined {
  const failed = results.find(({ status }) => status.ready !== 'Ready');
  if (failed === undefined) return undefined;
  const { cloud, status } = failed;
  const reason = [status.reason, status.message].filter((part) => part).join(': ') || 'the platform gave no reason';
  return new CliError('api', `${cloudNames[cloud]} role impersonation was not successful: ${reason}`, {
    code: 'account-association.not-ready',
  });
}
