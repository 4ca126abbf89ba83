import { awsUserRule } from '../../../../../api/aws-rules.ts';
import type { IamIdentity } from '../../../../../api/schema/types/iam.gen.ts';
import { defineCommand } from '../../../../../cli/define.ts';
import { createIdentity, creationQuestion } from '../../create-identity.ts';
import { creation } from '../../naming.ts';
import { identityView } from '../../view.ts';
import { awsInputs, awsUserId, awsUserName } from '../aws-inputs.ts';

interface UserInput {
  readonly name: string;
  readonly awsAccountId: string;
  readonly awsUserName: string;
  readonly awsUserId: string | undefined;
  readonly awsPartition: string;
  readonly description: string | undefined;
}

const toIdentity = (input: UserInput): IamIdentity => ({
  name: input.name,
  ...(input.description === undefined ? {} : { description: input.description }),
  awsIdentity: awsUserRule({
    account: input.awsAccountId,
    partition: input.awsPartition,
    userName: input.awsUserName,
    userId: input.awsUserId,
  }),
});

export default defineCommand({
  path: ['iam', 'identities', 'create', 'aws', 'user'],
  summary: 'Create an identity for an AWS user.',
  inputs: {
    name: creation.name,
    awsAccountId: awsInputs.awsAccountId,
    awsUserName: {
      kind: awsUserName,
      required: true,
      help: 'Name of the AWS user who may assume the identity, with its path if it has one.',
      question: 'Which AWS user?',
    },
    awsUserId: {
      kind: awsUserId,
      help: 'Unique id of the user; without it a user recreated with the same name is accepted as well.',
    },
    awsPartition: awsInputs.awsPartition,
    ...creation.place,
  },
  examples: [
    {
      text: 'A user by name',
      args: 'my-user --aws-account-id=123456789012 --aws-user-name=my-user --role=registry.pull',
    },
    {
      text: 'This user only, even when another is made under its name',
      args: 'my-user --aws-account-id=123456789012 --aws-user-name=my-user --aws-user-id=AIDAEXAMPLEC2UL7LUB',
    },
  ],
  view: identityView,
  formats: ['table', 'json', 'id'],
  confirm: (input, context) => creationQuestion(context, { ...input, identity: toIdentity(input) }),
  run: (context, input) => createIdentity(context, { ...input, identity: toIdentity(input) }),
});
