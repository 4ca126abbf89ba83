// Roles and users of AWS.

import { awsRoleRule, awsUserRule } from '../../../../api/aws-rules.ts';
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

interface Holder {
  /** As fields, flags and sentences call it. */
  readonly noun: 'role' | 'user';
  readonly label: string;
  readonly name: {
    readonly maxLength: number;
    readonly note: string;
    readonly pattern: RegExp;
    readonly problem: string;
  };
  /** First letters of its id. */
  readonly prefix: string;
  readonly rule: (at: { readonly account: string; readonly partition: string }, name: string, id?: string) => AwsRule;
}

type AwsRule = ReturnType<typeof awsRoleRule> | ReturnType<typeof awsUserRule>;

/** Returns the kind of what signs in at AWS by its name, and by its id if one is given. */
function ofAws({ noun, label, name: named, prefix, rule }: Holder): Kind {
  const [nameField, idField] = [`${noun}-name`, `${noun}-id`];
  const title = `${noun.slice(0, 1).toUpperCase()}${noun.slice(1)}`;
  const id = new RegExp(`^${prefix}[A-Z0-9]+$`);
  return {
    value: `aws-${noun}`,
    label,
    fields: (form) => (
      <>
        {awsFields(form)}
        <TextField
          form={form}
          name={nameField}
          label={`${title} name`}
          required
          maxLength={named.maxLength}
          note={named.note}
        />
        <TextField
          form={form}
          name={idField}
          label={`${title} ID (optional)`}
          maxLength={64}
          placeholder={`${prefix}…`}
          note={`Then a ${noun} that is made again under the same name is refused.`}
        />
      </>
    ),
    draft(_visit, form) {
      const [holderName, holderId] = [form.value(nameField), form.value(idField)];
      refuse({
        ...awsProblems(form),
        [nameField]: named.pattern.test(holderName) ? undefined : named.problem,
        [idField]: holderId === '' || id.test(holderId) ? undefined : `The ID of a ${noun} begins with ${prefix}.`,
      });
      const at = { account: account(form), partition: form.value('partition', 'aws') };
      return { identity: { awsIdentity: rule(at, holderName, holderId || undefined) }, warnings: [] };
    },
    words: (form, name) => [
      ...['aws', noun, name, ...awsWords(form)],
      `--aws-${nameField}=${form.value(nameField) || `${noun.toUpperCase()}_NAME`}`,
      ...optional(`--aws-${idField}`, form.value(idField)),
    ],
  };
}

export const awsRole = ofAws({
  noun: 'role',
  label: 'AWS role',
  prefix: 'AROA',
  name: {
    maxLength: 64,
    note: 'Without path.',
    pattern: /^[\w+=,.@-]{1,64}$/,
    problem: 'Give the name of the role, without path.',
  },
  rule: (at, roleName, roleId) => awsRoleRule({ ...at, roleName, ...(roleId === undefined ? {} : { roleId }) }),
});

export const awsUser = ofAws({
  noun: 'user',
  label: 'AWS user',
  prefix: 'AIDA',
  name: {
    maxLength: 512,
    note: 'With its path if it has one: team/bob.',
    pattern: /^([\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/,
    problem: 'Give the name of the user.',
  },
  rule: (at, userName, userId) => awsUserRule({ ...at, userName, ...(userId === undefined ? {} : { userId }) }),
});
