import { compact } from '../../../api/compact.ts';
import type { IamAccountAssociations } from '../../../api/schema/types/iam.gen.ts';
import { defineView } from '../../../cli/define.ts';
import { accountsOf, type CheckResult, cloudNames } from './associations.ts';

export const associationsView = defineView<IamAccountAssociations>({
  id: ({ group }) => group ?? '',
  columns: [
    { head: 'ID', id: true, value: ({ group }) => group },
    { head: 'NAME', value: ({ name }) => name },
    { head: 'DESCRIPTION', rank: 2, value: ({ description }) => description },
    { head: 'ACCOUNTS', rank: 1, value: (associations) => accountsOf(associations).join('\n') },
  ],
  json: (associations) => compact(inScriptNames(associations)),
  envelope: 'array',
  empty: 'No accounts are associated.',
});

/** The keys that scripts read, in snake case (script-contracts 3, `account-associations describe`; 1.16). */
function inScriptNames({
  group,
  name,
  description,
  amazon,
  google,
  azure,
  chainguard,
  github,
}: IamAccountAssociations) {
  return {
    group,
    name,
    description,
    ...(amazon === undefined ? {} : { amazon: { account: amazon.account } }),
    ...(google === undefined ? {} : { google: { project_id: google.projectId, project_number: google.projectNumber } }),
    ...(azure === undefined ? {} : { azure: { tenant_id: azure.tenantId, client_ids: azure.clientIds ?? {} } }),
    ...(chainguard === undefined ? {} : { chainguard: { service_bindings: chainguard.serviceBindings ?? {} } }),
    ...(github === undefined ? {} : { github: { app_installations: installationsOf(github) } }),
  };
}

const installationsOf = ({ appInstallations = {} }: NonNullable<IamAccountAssociations['github']>) =>
  Object.fromEntries(
    Object.entries(appInstallations).map(([app, { installations = [] }]) => [
      app,
      { installations: installations.map(({ installationId, name }) => ({ installation_id: installationId, name })) },
    ]),
  );

/** Success is a line as Go's logger writes it, in local time (outputs.md, check); failure is the error that follows. */
export const checkView = defineView<CheckResult>({
  text: ({ cloud, status }, { now }) =>
    status.ready === 'Ready' ? `${logTime(now)} ${cloudNames[cloud]} role impersonation was successful!\n` : '',
  columns: [
    { head: 'ACCOUNT', value: ({ cloud }) => cloudNames[cloud] },
    { head: 'READY', value: ({ status }) => status.ready },
    { head: 'REASON', value: ({ status }) => status.reason },
    { head: 'MESSAGE', value: ({ status }) => status.message },
  ],
  json: ({ group, status: { ready, reason, message } }) => ({ group: group.id, ready, reason, message }),
});

/** `YYYY/MM/DD hh:mm:ss` of milliseconds since the epoch. */
function logTime(ms: number): string {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('/');
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')}`;
}
