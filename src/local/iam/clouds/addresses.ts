/** Addresses of the clouds; a cloud without its address is not asked. */
export interface CloudAddresses {
  /** Takes AssumeRoleWithWebIdentity, e.g. `https://sts.amazonaws.com`. */
  readonly awsSts?: string | undefined;
  /** Takes GetAuthorizationToken of ECR, e.g. `https://api.ecr.eu-west-1.amazonaws.com`. */
  readonly awsEcr?: string | undefined;
  /** Its `/v1/token` trades tokens, e.g. `https://sts.googleapis.com`. */
  readonly googleSts?: string | undefined;
  /** Has generateAccessToken, e.g. `https://iamcredentials.googleapis.com`. */
  readonly googleIam?: string | undefined;
  /** e.g. `https://login.microsoftonline.com`. */
  readonly azureLogin?: string | undefined;
}

/** Environment variables that say where account associations are checked and used. */
export const cloudVariables = {
  awsSts: 'CHAINCTL_LOCAL_AWS_STS_URL',
  awsEcr: 'CHAINCTL_LOCAL_AWS_ECR_URL',
  googleSts: 'CHAINCTL_LOCAL_GOOGLE_STS_URL',
  googleIam: 'CHAINCTL_LOCAL_GOOGLE_IAM_URL',
  azureLogin: 'CHAINCTL_LOCAL_AZURE_LOGIN_URL',
} as const satisfies Record<keyof CloudAddresses, string>;

/** Returns what the environment says; nothing for what it leaves out. */
export function cloudAddressesIn(env: Readonly<Record<string, string | undefined>>): CloudAddresses {
  const { awsSts, awsEcr, googleSts, googleIam, azureLogin } = cloudVariables;
  return {
    awsSts: env[awsSts],
    awsEcr: env[awsEcr],
    googleSts: env[googleSts],
    googleIam: env[googleIam],
    azureLogin: env[azureLogin],
  };
}

/** Returns which variable holds something that is no http or https URL without query; undefined when all are good. */
export function badCloudVariable(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return Object.values(cloudVariables).find((name) => {
    const text = env[name];
    return text !== undefined && text !== '' && parseCloudAddress(text) === undefined;
  });
}

export function parseCloudAddress(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.search !== '' || url.hash !== '') return undefined;
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined;
}
