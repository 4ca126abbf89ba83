import { escaped } from './claim-patterns.ts';
import type { IamIdentityAWSIdentity } from './schema/types/iam.gen.ts';

export interface AwsRole {
  readonly account: string;
  readonly partition: string;
  readonly roleName: string;
  /** Unique id that begins with `AROA`; without it a role recreated with the same name is accepted too. */
  readonly roleId?: string | undefined;
}

/** Sessions of a role: AWS names the session last in the ARN and in the user id (protocols 8.2). */
export function awsRoleRule({ account, partition, roleName, roleId }: AwsRole): IamIdentityAWSIdentity {
  return {
    awsAccount: account,
    arnPattern: `^arn:${partition}:sts::${account}:assumed-role/${escaped(roleName)}/(.+)$`,
    userIdPattern: roleId === undefined ? '^AROA(.*):(.*)$' : `^${roleId}:(.+)$`,
  };
}

export interface AwsUser {
  readonly account: string;
  readonly partition: string;
  /** With its path, if it has one: `team/bob`. */
  readonly userName: string;
  /** Unique id that begins with `AIDA`. */
  readonly userId?: string | undefined;
}

export function awsUserRule({ account, partition, userName, userId }: AwsUser): IamIdentityAWSIdentity {
  return {
    awsAccount: account,
    arn: `arn:${partition}:iam::${account}:user/${userName}`,
    ...(userId === undefined ? { userIdPattern: '^AIDA(.*)$' } : { userId }),
  };
}
