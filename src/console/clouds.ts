// Cloud settings of an operator, with which pages act in cloud accounts for a person. Guarantees: pages ask only the
// addresses that stand here, by the one who mounts them.

export interface GoogleAddresses {
  /** Address where a person signs in, and the one where its code is exchanged. */
  readonly authorize: string;
  readonly token: string;
  /** Cloud Resource Manager, e.g. `https://cloudresourcemanager.googleapis.com`. */
  readonly projects: string;
  /** Service Usage. */
  readonly services: string;
  /** Identity and Access Management: workload identity pools, service accounts, roles. */
  readonly workloadIdentity: string;
}

export interface OutgoingRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface GoogleSetup {
  readonly addresses: GoogleAddresses;
  /** An OAuth client of the operator; a desktop application has a secret that is none. */
  readonly client?: { readonly id: string; readonly secret?: string | undefined } | undefined;
  /**
   * An access token of who is logged in to gcloud, where that is the person in the browser. Rejects with CallFailure.
   */
  readonly gcloud?: (() => Promise<string>) | undefined;
  /** Rejects with CallFailure `unreachable`. */
  readonly ask: (request: OutgoingRequest) => Promise<{ readonly status: number; readonly text: string }>;
}

export interface CloudSetup {
  /** Address of a CloudFormation template that takes the parameter `GroupId`. */
  readonly awsTemplate?: string | undefined;
  readonly google?: GoogleSetup | undefined;
}

/** Variables that say otherwise than Google where its services are. */
export const googleVariables = {
  oauth: 'CHAINCTL_LOCAL_GOOGLE_OAUTH_URL',
  projects: 'CHAINCTL_LOCAL_GOOGLE_PROJECTS_URL',
  services: 'CHAINCTL_LOCAL_GOOGLE_SERVICES_URL',
  workloadIdentity: 'CHAINCTL_LOCAL_GOOGLE_WORKLOAD_IDENTITY_URL',
} as const;

/** Names a file with an OAuth client, as Google Cloud offers it for download. */
export const googleClientVariable = 'CHAINCTL_GOOGLE_CLIENT_FILE';
export const awsTemplateVariable = 'CHAINCTL_AWS_TEMPLATE_URL';

type Environment = Readonly<Record<string, string | undefined>>;

export function googleAddressesIn(env: Environment): GoogleAddresses {
  const at = (name: string, otherwise: string) => (env[name] || otherwise).replace(/\/+$/, '');
  const oauth = env[googleVariables.oauth]?.replace(/\/+$/, '');
  return {
    authorize: oauth ? `${oauth}/auth` : 'https://accounts.google.com/o/oauth2/v2/auth',
    token: oauth ? `${oauth}/token` : 'https://oauth2.googleapis.com/token',
    projects: at(googleVariables.projects, 'https://cloudresourcemanager.googleapis.com'),
    services: at(googleVariables.services, 'https://serviceusage.googleapis.com'),
    workloadIdentity: at(googleVariables.workloadIdentity, 'https://iam.googleapis.com'),
  };
}

/** Error in the environment, one sentence; undefined where there is none. */
export function cloudSetupProblem(env: Environment): string | undefined {
  for (const name of [...Object.values(googleVariables), awsTemplateVariable]) {
    const text = env[name];
    if (!text) continue;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isGood = url !== undefined && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
    if (!isGood) return `${name} must be an http or https URL without query, not "${text}"`;
  }
  return undefined;
}

/** The client in the text of the file. Throws RangeError when there is none. */
export function googleClientIn(text: string): { readonly id: string; readonly secret?: string } {
  let read: Record<string, { client_id?: unknown; client_secret?: unknown } | undefined> | null;
  try {
    read = JSON.parse(text);
  } catch {
    throw new RangeError('it is not JSON');
  }
  const { client_id: id, client_secret: secret } = read?.['installed'] ?? read?.['web'] ?? {};
  if (typeof id !== 'string' || id === '') throw new RangeError('it holds no OAuth client of Google Cloud');
  return { id, ...(typeof secret === 'string' ? { secret } : {}) };
}
