import { servicePrincipals } from '../../../api/identity-rules.ts';
import { type Check, defineCommand, exclusive, needs } from '../../../cli/define.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { file } from '../../../cli/inputs/values.ts';
import { CliError } from '../../../errors.ts';
import { createIdentity, creationQuestion } from './create-identity.ts';
import { completeDraft, draftOf, nameOrFile } from './draft.ts';
import { creation } from './naming.ts';
import { ruleInputs } from './rule-flags.ts';
import { identityView } from './view.ts';

/** Spelled as the API does, or as words are on a command line: `catalog-syncer`. */
const servicePrincipal: Kind<string> = {
  metavar: 'SERVICE',
  noun: 'service',
  candidates: async () => servicePrincipals.map((name) => ({ value: name, label: name, text: name })),
  parse: (text) => {
    const found = servicePrincipals.find((each) => each === text.toUpperCase().replaceAll('-', '_'));
    if (found === undefined) throw new Error(`must be one of ${servicePrincipals.join(', ')}`);
    return found;
  },
};

const alone = (key: string, ...others: readonly string[]) => others.map((other) => exclusive(key, other));
const ruleKeys = Object.keys(ruleInputs);

const whoMayAssume: Check = {
  rule: 'one-of',
  keys: ['filename', ...ruleKeys, 'servicePrincipal'],
  alternatives: {
    question: 'Who may assume the identity?',
    first: true,
    problem: '`--identity-issuer` and `--subject`, `--service-principal` or `--filename` must say who may assume it',
    options: [
      { label: 'GitHub Actions', description: 'a workflow', requires: [], below: ['github'] },
      { label: 'GitLab CI', description: 'a pipeline', requires: [], below: ['gitlab'] },
      { label: 'AWS role', requires: [], below: ['aws', 'role'] },
      { label: 'AWS user', requires: [], below: ['aws', 'user'] },
      {
        label: 'Another issuer',
        description: 'its tokens with one subject',
        requires: ['identityIssuer', 'subject'],
      },
      {
        label: 'Another issuer, by pattern',
        description: 'its tokens with every subject that matches',
        requires: ['identityIssuer', 'subjectPattern'],
      },
      {
        label: 'An issuer that cannot be reached',
        description: 'known by its keys, such as a private cluster',
        requires: ['identityIssuer', 'subject', 'issuerKeys'],
      },
      { label: 'A service of the platform', requires: ['servicePrincipal'] },
    ],
  },
};

export default defineCommand({
  path: ['iam', 'identities', 'create'],
  summary: 'Create an identity that a workload can assume.',
  description:
    'Says whose tokens may assume the identity: by issuer and subject, literally or as regular expressions; by issuer and subject with the keys of an issuer that cannot be reached; a service of the platform; or whatever a file says.\nGitHub Actions, GitLab CI and AWS have commands of their own below this one.',
  aliases: ['make', 'mk'],
  inputs: {
    // The file may hold the name.
    name: {
      ...creation.name,
      kind: nameOrFile,
    },
    filename: {
      kind: file,
      short: 'f',
      help: 'Identity in JSON or YAML, as the API spells it; names in camel or snake case. A name in it needs no NAME.',
    },
    ...ruleInputs,
    servicePrincipal: {
      kind: servicePrincipal,
      help: 'Service of the platform that may assume the identity, such as CATALOG_SYNCER.',
    },
    ...creation.place,
  },
  check: [
    whoMayAssume,
    ...alone('filename', ...ruleKeys, 'servicePrincipal'),
    ...alone('servicePrincipal', ...ruleKeys),
    ...alone('issuerKeys', 'identityIssuerPattern', 'subjectPattern', 'audiencePattern', 'claimPattern'),
    exclusive('identityIssuer', 'identityIssuerPattern'),
    exclusive('subject', 'subjectPattern'),
    exclusive('audience', 'audiencePattern'),
    needs('expiration', 'issuerKeys'),
  ],
  validate: async (given, context) => (await draftOf(context, given)).problems,
  examples: [
    {
      text: 'Tokens of one issuer with one subject',
      args: 'my-identity --identity-issuer=https://issuer.example.com --subject=1234 --role=viewer',
    },
    {
      text: 'The same by regular expressions, and with a claim that must match',
      args: `my-identity --identity-issuer=https://issuer.example.com --subject-pattern='job:\\d+' --claim-pattern='branch:main|release/.*'`,
    },
    {
      text: 'An issuer that cannot be reached, known by its keys',
      args: 'my-cluster --identity-issuer=https://kubernetes.default.svc --issuer-keys=jwks.json --subject=system:serviceaccount:ci:puller',
    },
    { text: 'From a file that says everything', args: '-f identity.yaml --parent=example.com --role=viewer' },
  ],
  view: identityView,
  // The id stands first in the table; scripts that want nothing else say `--output=id` (script-contracts 3).
  formats: ['table', 'json', 'id'],
  confirm: async (input, context) =>
    creationQuestion(context, { ...input, identity: await completeDraft(context, input) }),
  run: async (context, input) => {
    const identity = await completeDraft(context, input);
    return namingFile(input.filename, () => createIdentity(context, { ...input, identity }));
  },
});

/** Returns what the platform refuses of an identity stands in the file, where no flag names it. */
async function namingFile<T>(path: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (path === undefined || !(error instanceof CliError) || error.code !== 'api.refused') throw error;
    throw new CliError(error.kind, `${path}: ${error.message}`, { code: error.code, cause: error });
  }
}
