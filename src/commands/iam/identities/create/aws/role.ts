import { awsRoleRule } from '../../../../../api/aws-rules.ts';
import type { IamIdentity } from '../../../../../api/schema/types/iam.gen.ts';
import { defineCommand } from '../../../../../cli/define.ts';
import { createIdentity, creationQuestion } from '../../create-identity.ts';
import { creation } from '../../naming.ts';
import { identityView } from '../../view.ts';
import { awsInputs, awsRoleId, awsRoleName } from '../aws-inputs.ts';

interface RoleInput {
  readonly name: string;
  readonly awsAccountId: string;
  readonly awsRoleName: string;
  readonly awsRoleId: string | undefined;
  readonly awsPartition: string;
  readonly description: string | undefined;
}

const toIdentity = (input: RoleInput): IamIdentity => ({
  name: input.name,
  ...(input.description === undefined ? {} : { description: input.description }),
  awsIdentity: awsRoleRule({
    account: input.awsAccountId,
    partition: input.awsPartition,
    roleName: input.awsRoleName,
    roleId: input.awsRoleId,
  }),
});

export default defineCommand({
  path: ['iam', 'identities', 'create', 'aws', 'role'],
  summary: 'Create an identity for sessions of an AWS role.',
  inputs: {
    name: creation.name,
    awsAccountId: awsInputs.awsAccountId,
    awsRoleName: {
      kind: awsRoleName,
      required: true,
      help: 'Name of the AWS role whose sessions may assume the identity.',
      question: 'Which AWS role?',
    },
    awsRoleId: {
      kind: awsRoleId,
      help: 'Unique id of the role; without it a role recreated with the same name is accepted as well.',
    },
    awsPartition: awsInputs.awsPartition,
    ...creation.place,
  },
  examples: [
    {
      text: 'Every session of a role',
      args: 'my-lambda --aws-account-id=123456789012 --aws-role-name=my-role --role=registry.pull',
    },
    {
      text: 'This role only, even when another is made under its name',
      args: 'my-lambda --aws-account-id=123456789012 --aws-role-name=my-role --aws-role-id=AROAEXAMPLEC2UL7LUB',
    },
  ],
  view: identityView,
  formats: ['table', 'json', 'id'],
  confirm: (input, context) => creationQuestion(context, { ...input, identity: toIdentity(input) }),
  run: (context, input) => createIdentity(context, { ...input, identity: toIdentity(input) }),
});
