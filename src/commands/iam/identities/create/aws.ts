import { defineCommand, type Inputs } from '../../../../cli/define.ts';
import { file } from '../../../../cli/inputs/values.ts';
import { createIdentity, creationQuestion } from '../create-identity.ts';
import { completeDraft, draftOf, nameOrFile } from '../draft.ts';
import { creation } from '../naming.ts';
import { identityView } from '../view.ts';

const inputs = {
  name: { ...creation.name, kind: nameOrFile },
  filename: {
    kind: file,
    short: 'f',
    help: 'AWS identity in JSON or YAML, as the API spells it; names in camel or snake case.',
    question: 'Which file?',
  },
  ...creation.place,
} as const satisfies Inputs;

/** The older form, which scripts still call (script-contracts 8); `role` and `user` below it are the newer ones. */
export default defineCommand({
  path: ['iam', 'identities', 'create', 'aws'],
  summary: 'Create an identity for an AWS role or user.',
  description: 'Use `role` or `user` to say which one by flags. Without them the identity is read from a file.',
  inputs,
  check: [
    {
      rule: 'one-of',
      keys: ['filename'],
      alternatives: {
        question: 'Who may assume the identity?',
        first: true,
        problem: '`--filename` is required, or one of the commands `role` and `user`',
        options: [
          { label: 'An AWS role', requires: [], below: ['role'] },
          { label: 'An AWS user', requires: [], below: ['user'] },
          { label: 'What a file says', requires: ['filename'] },
        ],
      },
    },
  ],
  validate: async (given, context) => {
    if (given.filename === undefined) return [];
    const { identity, problems } = await draftOf(context, { filename: given.filename, name: given.name });
    if (problems.length > 0 || identity.awsIdentity !== undefined) return problems;
    return [`\`--filename\` "${given.filename}" must hold an aws_identity; use \`iam identities create\` for others`];
  },
  examples: [
    { text: 'From a file', args: '--filename=identity.json --parent=example.com' },
    { text: 'Only the id, for a script', args: '--filename=identity.json --parent=example.com --yes --output=id' },
  ],
  view: identityView,
  formats: ['table', 'json', 'id'],
  confirm: async (input, context) =>
    creationQuestion(context, { ...input, identity: await completeDraft(context, input) }),
  run: async (context, input) => createIdentity(context, { ...input, identity: await completeDraft(context, input) }),
});
