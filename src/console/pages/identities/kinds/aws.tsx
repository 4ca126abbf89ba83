// Roles and users of AWS.

import { awsRoleRule, awsUserRule } from '../../../../api/identity-rules.ts';
import { type Form, refuse } from '../../../form.ts';
import { TextField } from '../../../parts/fields.tsx';
import { type Kind, optional } from './kind.ts';

const account = (form: Form): string => form.value('account').replaceAll('-', '');

const awsFields = (form: Form) => (
  <>
    <TextField
      form={form}
      name="account"
      label="AWS account ID"
      required
      maxLength={20}
      inputMode="numeric"
      placeholder="123456789012"
      note="Twelve digits."
    />
    <TextField
      form={form}
      name="partition"
      label="Partition"
      initial="aws"
      maxLength={30}
      note="aws, aws-cn, aws-us-gov or another one."
    />
  </>
);

const awsProblems = (form: Form) => ({
  account: /^\d{12}$/.test(account(form)) ? undefined : 'An AWS account ID has twelve digits.',
  partition: /^aws(-[a-z0-9]+)*$/.test(form.value('partition', 'aws'))
    ? undefined
    : 'A partition is aws, aws-cn, aws-us-gov or another one.',
});

const awsWords = (form: Form): readonly string[] => [
  `--aws-account-id=${account(form) || 'ACCOUNT'}`,
  ...(form.value('partition', 'aws') === 'aws' ? [] : [`--aws-partition=${form.value('partition')}`]),
];

export const awsRole: Kind = {
  value: 'aws-role',
  label: 'AWS role',
  fields: (form) => (
    <>
      {awsFields(form)}
      <TextField form={form} name="role-name" label="Role name" required maxLength={64} note="Without path." />
      <TextField
        form={form}
        name="role-id"
        label="Role ID (optional)"
        maxLength={64}
        placeholder="AROA…"
        note="Then a role that is made again under the same name is refused."
      />
    </>
  ),
  draft(_visit, form) {
    const [roleName, roleId] = [form.value('role-name'), form.value('role-id')];
    refuse({
      ...awsProblems(form),
      'role-name': /^[\w+=,.@-]{1,64}$/.test(roleName) ? undefined : 'Give the name of the role, without path.',
      'role-id': roleId === '' || /^AROA[A-Z0-9]+$/.test(roleId) ? undefined : 'The ID of a role begins with AROA.',
    });
    const partition = form.value('partition', 'aws');
    const rule = { account: account(form), partition, roleName, ...(roleId === '' ? {} : { roleId }) };
    return { identity: { awsIdentity: awsRoleRule(rule) }, warnings: [] };
  },
  words: (form, name) => [
    ...['aws', 'role', name, ...awsWords(form), `--aws-role-name=${form.value('role-name') || 'ROLE_NAME'}`],
    ...optional('--aws-role-id', form.value('role-id')),
  ],
};

export const awsUser: Kind = {
  value: 'aws-user',
  label: 'AWS user',
  fields: (form) => (
    <>
      {awsFields(form)}
      <TextField
        form={form}
        name="user-name"
        label="User name"
        required
        maxLength={512}
        note="With its path if it has one: team/bob."
      />
      <TextField
        form={form}
        name="user-id"
        label="User ID (optional)"
        maxLength={64}
        placeholder="AIDA…"
        note="Then a user that is made again under the same name is refused."
      />
    </>
  ),
  draft(_visit, form) {
    const [userName, userId] = [form.value('user-name'), form.value('user-id')];
    refuse({
      ...awsProblems(form),
      'user-name': /^([\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/.test(userName) ? undefined : 'Give the name of the user.',
      'user-id': userId === '' || /^AIDA[A-Z0-9]+$/.test(userId) ? undefined : 'The ID of a user begins with AIDA.',
    });
    const partition = form.value('partition', 'aws');
    const rule = { account: account(form), partition, userName, ...(userId === '' ? {} : { userId }) };
    return { identity: { awsIdentity: awsUserRule(rule) }, warnings: [] };
  },
  words: (form, name) => [
    ...['aws', 'user', name, ...awsWords(form), `--aws-user-name=${form.value('user-name') || 'USER_NAME'}`],
    ...optional('--aws-user-id', form.value('user-id')),
  ],
};
