// Templates that let the platform into a cloud account, to be applied by its owner.

/** The profiles of the platform, by what they are for (document 003). */
export const profiles = ['agentless', 'canary', 'cosigned', 'discovery', 'enforce-signer', 'ingester'] as const;

/**
 * CloudFormation: the platform's issuer as an identity provider, and a role for each profile that only this group's may
 * assume.
 */
export function awsTemplate(issuer: string, group: string): string {
  const host = new URL(issuer).host;
  const roles = profiles.flatMap((profile) => [
    `  ${profile.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}:`,
    '    Type: AWS::IAM::Role',
    '    Properties:',
    `      RoleName: chainguard-${profile}`,
    '      AssumeRolePolicyDocument:',
    '        Version: "2012-10-17"',
    '        Statement:',
    '          - Effect: Allow',
    '            Action: sts:AssumeRoleWithWebIdentity',
    '            Principal:',
    '              Federated: !Ref Issuer',
    '            Condition:',
    '              StringEquals:',
    `                "${host}:aud": amazon`,
    `                "${host}:sub": !Sub "${profile}:\${GroupId}"`,
  ]);
  return [
    'AWSTemplateFormatVersion: "2010-09-09"',
    'Description: Lets the platform act in this account by short-lived tokens of its issuer.',
    'Parameters:',
    '  GroupId:',
    '    Type: String',
    '    Description: Id of the group that the account is associated with.',
    `    Default: "${group}"`,
    'Resources:',
    '  Issuer:',
    '    Type: AWS::IAM::OIDCProvider',
    '    Properties:',
    `      Url: ${issuer}`,
    '      ClientIdList: [amazon]',
    ...roles,
    '',
  ].join('\n');
}

export const awsTerraform = (group: string): string => `provider "aws" {}

module "aws-impersonation" {
  source = "chainguard-dev/chainguard-account-association/aws"

  enforce_group_ids = ["${group}"]
}
`;

export const gcpTerraform = (group: string, project: string): string => `provider "google" {
  project = "${project}"
}

provider "google-beta" {
  project = "${project}"
}

module "gcp-impersonation" {
  source = "chainguard-dev/chainguard-account-association/google"

  enforce_group_ids = ["${group}"]
  google_project_id = "${project}"
}
`;
