// Resources of a Google Cloud project that let the platform act in it (document 003; the same as the Terraform module
// chainguard-dev/chainguard-account-association/google makes): whether each is there, and making those that are not.

import { CallFailure } from '../../../caller.ts';
import type { Visit } from '../../../page.ts';
import { profiles } from '../templates.ts';
import { google, googleDone, type Json } from './client.ts';

export interface Project {
  readonly id: string;
  readonly number: string;
  readonly name: string;
}

export interface Resource {
  readonly name: string;
  readonly isReady: boolean;
}

const addressesOf = (visit: Visit) => {
  const { google: setup } = visit.clouds;
  if (setup === undefined) throw new CallFailure('missing', 'Google Cloud is not set up here.');
  return setup.addresses;
};

const listOf = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? value.filter((each): each is Json => typeof each === 'object' && each !== null) : [];

const mostPages = 20;

/** Active ones that the person sees, by id. */
export async function projectsOf(visit: Visit): Promise<readonly Project[]> {
  const { projects } = addressesOf(visit);
  const found: Project[] = [];
  let pageToken = '';
  for (let pages = 0; pages < mostPages; pages += 1) {
    const query = new URLSearchParams({ pageSize: '500', ...(pageToken === '' ? {} : { pageToken }) });
    const answer = (await google(visit, 'GET', `${projects}/v1/projects?${query}`)) ?? {};
    for (const { projectId, projectNumber, name, lifecycleState } of listOf(answer['projects'])) {
      if (typeof projectId !== 'string' || (lifecycleState ?? 'ACTIVE') !== 'ACTIVE') continue;
      found.push({
        id: projectId,
        number: String(projectNumber ?? ''),
        name: typeof name === 'string' ? name : projectId,
      });
    }
    pageToken = String(answer['nextPageToken'] ?? '');
    if (pageToken === '') break;
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The project of this id. Throws CallFailure `missing`. */
export async function projectOf(visit: Visit, id: string): Promise<Project> {
  const { projects } = addressesOf(visit);
  const answer = /^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(id)
    ? await google(visit, 'GET', `${projects}/v1/projects/${encodeURIComponent(id)}`)
    : undefined;
  const number = String(answer?.['projectNumber'] ?? '');
  if (!/^\d{1,20}$/.test(number)) throw new CallFailure('missing', 'There is no such project, or you may not see it.');
  return { id, number, name: String(answer?.['name'] ?? id) };
}

// ---- step 3: workload identity federation ----

const credentialsApi = 'iamcredentials.googleapis.com';
const storageApi = 'storage-component.googleapis.com';

const poolOf = ({ number }: Project): string =>
  `projects/${number}/locations/global/workloadIdentityPools/chainguard-pool`;
const providerOf = (project: Project): string => `${poolOf(project)}/providers/chainguard-provider`;

/** In the order and the words of document 003. */
export async function federationOf(visit: Visit, project: Project): Promise<readonly Resource[]> {
  const { services, workloadIdentity } = addressesOf(visit);
  const [service, pool, provider] = await Promise.all([
    google(visit, 'GET', `${services}/v1/projects/${project.number}/services/${credentialsApi}`),
    google(visit, 'GET', `${workloadIdentity}/v1/${poolOf(project)}`),
    google(visit, 'GET', `${workloadIdentity}/v1/${providerOf(project)}`),
  ]);
  return [
    { name: 'IAM Service Account Credentials API', isReady: service?.['state'] === 'ENABLED' },
    { name: 'Workload Identity', isReady: isActive(pool) },
    { name: 'Workload Identity Provider', isReady: isActive(provider) && trustsUs(visit, provider) },
  ];
}

const isActive = (resource: Json | undefined): boolean =>
  resource?.['state'] === 'ACTIVE' && resource['disabled'] !== true;

function trustsUs({ platform }: Visit, provider: Json | undefined): boolean {
  const { issuerUri, allowedAudiences } = Object(provider?.['oidc']) as {
    issuerUri?: unknown;
    allowedAudiences?: unknown;
  };
  return issuerUri === platform.issuer && Array.isArray(allowedAudiences) && allowedAudiences.includes('google');
}

/** Makes what is not there; what is there and good stays as it is. */
export async function configureFederation(visit: Visit, project: Project): Promise<void> {
  const { services, workloadIdentity } = addressesOf(visit);
  const [service, pool] = await Promise.all([
    google(visit, 'GET', `${services}/v1/projects/${project.number}/services/${credentialsApi}`),
    google(visit, 'GET', `${workloadIdentity}/v1/${poolOf(project)}`),
  ]);
  if (service?.['state'] !== 'ENABLED') {
    await googleDone(visit, 'POST', `${services}/v1/projects/${project.number}/services:batchEnable`, services, {
      serviceIds: [credentialsApi, storageApi],
    });
  }
  const pools = `${workloadIdentity}/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
  if (pool === undefined) {
    await googleDone(visit, 'POST', `${pools}?workloadIdentityPoolId=chainguard-pool`, workloadIdentity, {
      displayName: 'Chainguard Pool',
      description: 'Identity pool for Chainguard impersonation.',
    });
  } else await revive(visit, `${workloadIdentity}/v1/${poolOf(project)}`, workloadIdentity, pool);
  await configureProvider(visit, project);
}

async function configureProvider(visit: Visit, project: Project): Promise<void> {
  const { workloadIdentity } = addressesOf(visit);
  const { issuer } = visit.platform;
  const address = `${workloadIdentity}/v1/${providerOf(project)}`;
  const provider = await google(visit, 'GET', address);
  const wanted = {
    displayName: 'chainguard-provider',
    description: `This is the provider for impersonation by ${issuer}.`.slice(0, 256),
    attributeMapping: { 'google.subject': 'assertion.sub', 'attribute.sub': 'assertion.sub' },
    oidc: { issuerUri: issuer, allowedAudiences: ['google'] },
  };
  if (provider === undefined) {
    const made = `${workloadIdentity}/v1/${poolOf(project)}/providers?workloadIdentityPoolProviderId=chainguard-provider`;
    await googleDone(visit, 'POST', made, workloadIdentity, wanted);
    return;
  }
  await revive(visit, address, workloadIdentity, provider);
  if (!trustsUs(visit, provider)) {
    await googleDone(visit, 'PATCH', `${address}?updateMask=oidc,attributeMapping`, workloadIdentity, wanted);
  }
}

/** A deleted resource keeps its name for 30 days, and can be restored. */
async function revive(visit: Visit, address: string, base: string, resource: Json): Promise<void> {
  if (resource['state'] === 'DELETED') await googleDone(visit, 'POST', `${address}:undelete`, base, {});
  if (resource['disabled'] === true)
    await googleDone(visit, 'PATCH', `${address}?updateMask=disabled`, base, { disabled: false });
}

// ---- step 4: service accounts ----

/** Roles of each account in the project. */
const projectRoles: Readonly<Record<(typeof profiles)[number], readonly string[]>> = {
  agentless: ['roles/container.admin'],
  canary: [],
  cosigned: ['roles/storage.objectViewer', 'roles/cloudkms.publicKeyViewer', 'roles/cloudkms.viewer'],
  discovery: ['roles/container.clusterViewer', 'roles/run.viewer'],
  'enforce-signer': ['chainguardSignerCA'],
  ingester: ['roles/storage.objectViewer'],
};

const userRole = 'roles/iam.workloadIdentityUser';

const emailOf = (profile: string, { id }: Project): string => {
  // A project of a domain, `example.com:name`, has its accounts under `name.example.com`.
  const [name = '', domain] = id.split(':').reverse();
  return `chainguard-${profile}@${name}.${domain === undefined ? '' : `${domain}.`}iam.gserviceaccount.com`;
};

const roleOf = (role: string, { id }: Project): string =>
  role.startsWith('roles/') ? role : `projects/${id}/roles/${role}`;

const memberFor = (profile: string, group: string, project: Project): string =>
  `principalSet://iam.googleapis.com/${poolOf(project)}/attribute.sub/${profile}:${group}`;

interface Policy {
  readonly bindings: readonly {
    readonly role: string;
    readonly members: readonly string[];
    readonly condition?: unknown;
  }[];
  readonly [key: string]: unknown;
}

async function policyOf(visit: Visit, address: string): Promise<Policy> {
  const read =
    (await google(visit, 'POST', `${address}:getIamPolicy`, { options: { requestedPolicyVersion: 3 } })) ?? {};
  const bindings = listOf(read['bindings']).map((each) => ({
    ...each,
    role: String(each['role']),
    members: Array.isArray(each['members']) ? each['members'].map(String) : [],
  }));
  return { ...read, bindings };
}

const isBound = ({ bindings }: Policy, role: string, member: string): boolean =>
  bindings.some((each) => each.role === role && each.condition === undefined && each.members.includes(member));

/** Adds what is missing and keeps everything else; its etag makes sure that nobody's change in between is lost. */
async function bindAll(
  visit: Visit,
  address: string,
  wanted: readonly { readonly role: string; readonly member: string }[],
): Promise<void> {
  const policy = await policyOf(visit, address);
  const missing = wanted.filter(({ role, member }) => !isBound(policy, role, member));
  if (missing.length === 0) return;
  const added = [...new Set(missing.map(({ role }) => role))].map((role) => ({
    role,
    members: missing.filter((each) => each.role === role).map(({ member }) => member),
  }));
  await google(visit, 'POST', `${address}:setIamPolicy`, {
    policy: { ...policy, version: 3, bindings: [...policy.bindings, ...added] },
  });
}

/**
 * The six accounts of document 003, each ready when it is there, can be acted as by this group, and may do its work.
 */
export async function accountsOf(visit: Visit, project: Project, group: string): Promise<readonly Resource[]> {
  const { projects, workloadIdentity } = addressesOf(visit);
  const policy = await policyOf(visit, `${projects}/v1/projects/${project.id}`);
  return Promise.all(
    profiles.map(async (profile) => {
      const email = emailOf(profile, project);
      const address = `${workloadIdentity}/v1/projects/${project.id}/serviceAccounts/${email}`;
      const account = await google(visit, 'GET', address);
      const mayWork = projectRoles[profile].every((role) =>
        isBound(policy, roleOf(role, project), `serviceAccount:${email}`),
      );
      const isReady =
        account !== undefined &&
        account['disabled'] !== true &&
        mayWork &&
        isBound(await policyOf(visit, address), userRole, memberFor(profile, group, project));
      return { name: `chainguard-${profile}`, isReady };
    }),
  );
}

export async function configureAccounts(visit: Visit, project: Project, group: string): Promise<void> {
  const { projects, workloadIdentity } = addressesOf(visit);
  const base = `${workloadIdentity}/v1/projects/${project.id}`;
  if ((await google(visit, 'GET', `${base}/roles/chainguardSignerCA`)) === undefined) {
    await google(visit, 'POST', `${base}/roles`, {
      roleId: 'chainguardSignerCA',
      role: {
        title: 'Custom Role Chainguard Signer CA',
        description: 'Chainguard signer role to list certificates from a CA',
        includedPermissions: [
          'privateca.certificateAuthorities.get',
          'privateca.certificateAuthorities.list',
          'privateca.certificates.create',
        ],
        stage: 'GA',
      },
    });
  }
  for (const profile of profiles) {
    const address = `${base}/serviceAccounts/${emailOf(profile, project)}`;
    const account = await google(visit, 'GET', address);
    if (account === undefined) {
      await google(visit, 'POST', `${base}/serviceAccounts`, {
        accountId: `chainguard-${profile}`,
        serviceAccount: {},
      });
    } else if (account['disabled'] === true) await google(visit, 'POST', `${address}:enable`, {});
    await bindAll(visit, address, [{ role: userRole, member: memberFor(profile, group, project) }]);
  }
  const wanted = profiles.flatMap((profile) =>
    projectRoles[profile].map((role) => ({
      role: roleOf(role, project),
      member: `serviceAccount:${emailOf(profile, project)}`,
    })),
  );
  await bindAll(visit, `${projects}/v1/projects/${project.id}`, wanted);
}
