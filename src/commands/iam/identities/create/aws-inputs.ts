import type { Kind } from '../../../../cli/inputs/kind.ts';

const matching = (metavar: string, pattern: RegExp, problem: string): Kind<string> => ({
  metavar,
  parse: (text) => {
    if (!pattern.test(text)) throw new Error(problem);
    return text;
  },
});

export const awsInputs = {
  awsAccountId: {
    kind: matching('ACCOUNT', /^[0-9]{12}$/, 'must be the 12 digits of an AWS account'),
    required: true,
    help: 'AWS account, 12 digits.',
    question: 'Which AWS account (12 digits)?',
  },
  awsPartition: {
    kind: matching('PARTITION', /^aws(-[a-z0-9]+)*$/, 'must be a partition such as aws, aws-cn or aws-us-gov'),
    default: 'aws',
    help: 'AWS partition: aws, aws-cn, aws-us-gov or another one.',
  },
} as const;

/** Characters that IAM allows in names; a path belongs to users only, because sessions of a role do not show it. */
export const awsRoleName = matching('NAME', /^[\w+=,.@-]{1,64}$/, 'must be the name of a role, without path');
export const awsUserName = matching('NAME', /^([\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/, 'must be the name of a user');
export const awsRoleId = matching('ID', /^AROA[A-Z0-9]+$/, 'must be the unique id of a role, which begins with AROA');
export const awsUserId = matching('ID', /^AIDA[A-Z0-9]+$/, 'must be the unique id of a user, which begins with AIDA');
