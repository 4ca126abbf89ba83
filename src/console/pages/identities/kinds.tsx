// Kinds of identities, as the command line has them: what each asks, the rule that this makes, and the command that does the same.

import type { VNode } from 'preact';
import {
  type GithubRepository,
  githubProblems,
  githubRule,
  githubWarnings,
  repositoryIn,
} from '../../../api/github-rules.ts';
import {
  awsRoleRule,
  awsUserRule,
  gitlabProblems,
  gitlabRule,
  gitlabWarnings,
  isPattern,
  issuerUrlProblem,
  patternProblem,
  patternWarning,
  servicePrincipals,
} from '../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import { buildkiteIssuer, fullRef } from '../../../trust/ci-claims.ts';
import { judgeKeySet } from '../../../trust/key-sets.ts';
import { type Form, refuse } from '../../form.ts';
import type { Visit } from '../../page.ts';
import { SelectField, TextArea, TextField } from '../../parts/fields.tsx';

/** Who may assume an identity that is to be made. */
export interface Draft {
  readonly identity: IamIdentity;
  /** What is allowed but rarely meant, a sentence each. */
  readonly warnings: readonly string[];
}

export interface Kind {
  readonly value: string;
  readonly label: string;
  readonly fields: (form: Form) => VNode;
  /** Throws FormProblem. */
  readonly draft: (visit: Visit, form: Form) => Promise<Draft> | Draft;
  /** Words behind `chainctl iam identities create`, with NAME for its name. */
  readonly words: (form: Form, name: string) => readonly string[];
}

/** The same sentence about a field instead of a flag. */
const ofField = (sentences: readonly (string | undefined)[], flag: string, label: string): string | undefined =>
  sentences.find((each) => each?.startsWith(`\`${flag}\``))?.replace(`\`${flag}\``, label);

const plainly = (sentence: string): string => `${sentence.replace(/`--[\w-]+`/, 'It')}.`;

const optional = (flag: string, value: string): readonly string[] => (value === '' ? [] : [`${flag}=${value}`]);

const github: Kind = {
  value: 'github',
  label: 'GitHub Actions',
  fields: (form) => (
    <>
      <TextField
        form={form}
        name="repo"
        label="Repository"
        required
        maxLength={300}
        placeholder="acme/app"
        note="owner/name; with its ids, owner@123/name@456, exactly that repository is meant whatever it is called later."
      />
      <TextField
        form={form}
        name="ref"
        label="Reference (optional)"
        maxLength={300}
        placeholder="refs/heads/main"
        note="Workflows of this branch or tag; all of the repository when left out."
      />
      <TextField
        form={form}
        name="audience"
        label="Audience (optional)"
        maxLength={255}
        note="The platform unless given."
      />
    </>
  ),
  async draft({ caller }, form) {
    const [repo, ref, audience] = [form.value('repo'), form.value('ref'), form.value('audience')];
    const problems = githubProblems(repo === '' ? undefined : repo, ref === '' ? undefined : ref);
    refuse({
      repo: repo === '' ? 'Say which repository.' : ofField(problems, '--github-repo', 'The repository'),
      ref: ofField(problems, '--github-ref', 'The reference'),
    });
    await refusePatterns({ repo, ref });
    const asked =
      isPattern(repo) || repositoryIn(repo) !== undefined ? undefined : await caller.githubRepository?.(repo);
    const found: GithubRepository | string = asked !== undefined && 'repository' in asked ? asked.repository : repo;
    const isKnown = typeof found !== 'string' || repositoryIn(found) !== undefined || isPattern(repo);
    const reason = asked !== undefined && 'reason' in asked ? ` (${asked.reason})` : '';
    return {
      identity: {
        claimMatch: githubRule({
          repo: found,
          ...(ref === '' ? {} : { ref }),
          ...(audience === '' ? {} : { audience }),
        }),
      },
      warnings: [
        ...githubWarnings(repo, ref === '' ? undefined : ref).map(plainly),
        ...(isKnown
          ? []
          : [
              `The ids of the repository are not known here${reason}: tokens that have them in their subject, as GitHub writes it for newer repositories, are refused, and whoever takes the name later is admitted. Write owner@123/name@456.`,
            ]),
      ],
    };
  },
  words: (form, name) => [
    ...['github', name, `--github-repo=${form.value('repo') || 'REPOSITORY'}`],
    ...optional('--github-ref', form.value('ref')),
    ...optional('--github-audience', form.value('audience')),
  ],
};

const gitlab: Kind = {
  value: 'gitlab',
  label: 'GitLab CI',
  fields: (form) => (
    <>
      <TextField
        form={form}
        name="project"
        label="Project"
        required
        maxLength={300}
        placeholder="group/project"
        note="Of gitlab.com; group/* is every project of the group."
      />
      <SelectField
        form={form}
        name="reftype"
        label="Jobs for a"
        options={[
          { value: 'branch', label: 'branch' },
          { value: 'tag', label: 'tag' },
        ]}
      />
      <TextField form={form} name="ref" label="Branch or tag (optional)" maxLength={300} note="All when left out." />
    </>
  ),
  async draft(_visit, form) {
    const [projectPath, ref] = [form.value('project'), form.value('ref')];
    const refType = form.value('reftype', 'branch');
    const problems = gitlabProblems(projectPath, ref === '' ? undefined : ref);
    refuse({
      project:
        projectPath === ''
          ? 'Say which project.'
          : ofField(problems, '--project-path', 'A project of GitLab')?.replace('GROUP/PROJECT', 'group/project'),
      ref: ofField(problems, '--ref', 'The branch or tag'),
      reftype: refType === 'branch' || refType === 'tag' ? undefined : 'Choose branch or tag.',
    });
    await refusePatterns({ project: projectPath.replaceAll('*', ''), ref: ref.replaceAll('*', '') });
    return {
      identity: { claimMatch: gitlabRule({ projectPath, refType: refType === 'tag' ? 'tag' : 'branch', ref }) },
      warnings: gitlabWarnings(projectPath, ref === '' ? undefined : ref).map(plainly),
    };
  },
  words: (form, name) => [
    ...['gitlab', name, `--project-path=${form.value('project') || 'PROJECT'}`],
    `--ref-type=${form.value('reftype', 'branch')}`,
    ...optional('--ref', form.value('ref')),
  ],
};

const escaped = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');

/** An issuer of its own kind, by what its subjects look like. */
function ofIssuer(
  kind: Pick<Kind, 'value' | 'label' | 'fields'>,
  ruleOf: (form: Form) => {
    readonly rule: Readonly<
      Record<'issuer', string> & Partial<Record<'subject' | 'subjectPattern' | 'audience', string>>
    >;
    readonly problems: Readonly<Record<string, string | undefined>>;
  },
): Kind {
  return {
    ...kind,
    draft(_visit, form) {
      const { rule, problems } = ruleOf(form);
      refuse(problems);
      return { identity: { claimMatch: rule }, warnings: [] };
    },
    words(form, name) {
      const { rule, problems } = ruleOf(form);
      const isReady = Object.values(problems).every((each) => each === undefined);
      const { issuer, subject, subjectPattern, audience } = rule;
      return [
        name,
        `--identity-issuer=${isReady ? issuer : 'ISSUER'}`,
        subject === undefined
          ? `--subject-pattern=${isReady ? subjectPattern : 'SUBJECT_PATTERN'}`
          : `--subject=${isReady ? subject : 'SUBJECT'}`,
        ...(audience === undefined ? [] : [`--audience=${isReady ? audience : 'AUDIENCE'}`]),
      ];
    },
  };
}

const buildkite = ofIssuer(
  {
    value: 'buildkite',
    label: 'Buildkite',
    fields: (form) => (
      <>
        <TextField
          form={form}
          name="pipeline"
          label="Pipeline"
          required
          maxLength={300}
          placeholder="acme/deploy"
          note="organization/pipeline, by their slugs."
        />
        <TextField
          form={form}
          name="ref"
          label="Branch (optional)"
          maxLength={300}
          placeholder="main"
          note="All branches and tags when left out; refs/tags/v1 is a tag."
        />
      </>
    ),
  },
  (form) => {
    const [, organization = '', pipeline = ''] = /^([\w.-]+)\/([\w.-]+)$/.exec(form.value('pipeline')) ?? [];
    const ref = form.value('ref');
    const refs = ref === '' ? '[^:]+' : escaped(fullRef(ref));
    return {
      rule: {
        issuer: buildkiteIssuer,
        // The commit differs from build to build, and so does the step.
        subjectPattern: `organization:${escaped(organization)}:pipeline:${escaped(pipeline)}:ref:${refs}:commit:[0-9a-f]+:step:.*`,
      },
      problems: {
        pipeline: pipeline === '' ? 'A pipeline of Buildkite is written as organization/pipeline.' : undefined,
        ref: /[\s:]/.test(ref) ? 'A branch has neither spaces nor colons.' : undefined,
      },
    };
  },
);

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const circleci = ofIssuer(
  {
    value: 'circleci',
    label: 'CircleCI',
    fields: (form) => (
      <>
        <TextField
          form={form}
          name="organization"
          label="Organization ID"
          required
          maxLength={36}
          note="A UUID, in the settings of the organization."
        />
        <TextField
          form={form}
          name="project"
          label="Project ID"
          required
          maxLength={36}
          note="A UUID, in the settings of the project."
        />
      </>
    ),
  },
  (form) => {
    const [organization, project] = [form.value('organization'), form.value('project')];
    return {
      rule: {
        issuer: `https://oidc.circleci.com/org/${organization}`,
        subjectPattern: `org/${organization}/project/${project}/user/.+`,
        audience: organization,
      },
      problems: {
        organization: uuid.test(organization) ? undefined : 'An organization of CircleCI has a UUID.',
        project: uuid.test(project) ? undefined : 'A project of CircleCI has a UUID.',
      },
    };
  },
);

const label63 = '[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?';

const kubernetes = ofIssuer(
  {
    value: 'kubernetes',
    label: 'Kubernetes',
    fields: (form) => (
      <>
        <TextField
          form={form}
          name="issuer"
          type="url"
          label="Issuer of the cluster"
          required
          maxLength={255}
          note="kubectl get --raw /.well-known/openid-configuration says it. For a cluster that cannot be reached, use Static keys."
        />
        <TextField
          form={form}
          name="account"
          label="Service account"
          required
          maxLength={300}
          placeholder="apps/puller"
          note="namespace/name."
        />
      </>
    ),
  },
  (form) => {
    const [issuer, account] = [form.value('issuer'), form.value('account')];
    const [, namespace, name] = new RegExp(`^(${label63})/(${label63})$`).exec(account) ?? [];
    return {
      rule: { issuer, subject: `system:serviceaccount:${namespace}:${name}` },
      problems: {
        issuer: issuerSentence(issuer),
        account: name === undefined ? 'A service account is written as namespace/name.' : undefined,
      },
    };
  },
);

function issuerSentence(issuer: string): string | undefined {
  const problem = issuerUrlProblem(issuer);
  return problem === undefined ? undefined : `The issuer ${problem}.`;
}

async function refusePatterns(texts: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(texts)) {
    const problem = text === '' || !isPattern(text) ? undefined : await patternProblem(text);
    refuse({ [name]: problem === undefined ? undefined : `This is not a valid regular expression (RE2): ${problem}.` });
  }
}

/** `^issuer$` and the like are patterns as a whole; the box says it. */
const oidc: Kind = {
  value: 'oidc',
  label: 'Another issuer',
  fields: (form) => (
    <>
      <TextField
        form={form}
        name="issuer"
        type="url"
        label="Issuer"
        required
        maxLength={255}
        note="As its tokens name it."
      />
      <TextField form={form} name="subject" label="Subject" required maxLength={1024} note="The “sub” of its tokens." />
      <SelectField
        form={form}
        name="how"
        label="The subject is"
        options={[
          { value: 'exact', label: 'exactly this' },
          { value: 'pattern', label: 'a match of this regular expression (RE2)' },
        ]}
      />
      <TextField
        form={form}
        name="audience"
        label="Audience (optional)"
        maxLength={255}
        note="The platform unless given."
      />
    </>
  ),
  async draft(_visit, form) {
    const { issuer, subject, audience } = {
      issuer: form.value('issuer'),
      subject: form.value('subject'),
      audience: form.value('audience'),
    };
    const byPattern = form.value('how', 'exact') === 'pattern';
    refuse({ issuer: issuerSentence(issuer), subject: subject === '' ? 'Say whose tokens are meant.' : undefined });
    const problem = byPattern ? await patternProblem(subject) : undefined;
    refuse({
      subject: problem === undefined ? undefined : `This is not a valid regular expression (RE2): ${problem}.`,
    });
    const warning = byPattern ? patternWarning('The subject', subject) : undefined;
    return {
      identity: {
        claimMatch: {
          issuer,
          ...(byPattern ? { subjectPattern: subject } : { subject }),
          ...(audience === '' ? {} : { audience }),
        },
      },
      warnings: warning === undefined ? [] : [`${warning}.`],
    };
  },
  words: (form, name) => [
    ...[name, `--identity-issuer=${form.value('issuer') || 'ISSUER'}`],
    `--subject${form.value('how') === 'pattern' ? '-pattern' : ''}=${form.value('subject') || 'SUBJECT'}`,
    ...optional('--audience', form.value('audience')),
  ],
};

const keys: Kind = {
  value: 'static',
  label: 'Static keys',
  fields: (form) => (
    <>
      <TextField
        form={form}
        name="issuer"
        label="Issuer"
        required
        maxLength={255}
        note="As its tokens name it; it need not be reachable."
      />
      <TextField
        form={form}
        name="subject"
        label="Subject"
        required
        maxLength={255}
        placeholder="system:serviceaccount:apps:puller"
        note="The exact “sub” of its tokens."
      />
      <TextArea
        form={form}
        name="keys"
        label="Public keys"
        rows={5}
        required
        placeholder='{"keys":[…]}'
        note="A JSON Web Key Set. kubectl get --raw /openid/v1/jwks says that of a cluster. The identity ends after 30 days."
      />
    </>
  ),
  draft(_visit, form) {
    const [issuer, subject, issuerKeys] = [form.value('issuer'), form.value('subject'), form.value('keys')];
    const { problem, warning } = judgeKeySet(issuerKeys);
    refuse({
      issuer: issuer === '' ? 'Say which issuer.' : undefined,
      subject: subject === '' ? 'Say whose tokens are meant.' : undefined,
      keys: problem === undefined ? undefined : `The key set ${problem}.`,
    });
    return {
      identity: { static: { issuer, subject, issuerKeys } },
      warnings: warning === undefined ? [] : [`The key set ${warning}.`],
    };
  },
  words: (form, name) => [
    ...[
      name,
      `--identity-issuer=${form.value('issuer') || 'ISSUER'}`,
      `--subject=${form.value('subject') || 'SUBJECT'}`,
    ],
    '--issuer-keys=./jwks.json',
  ],
};

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

const awsRole: Kind = {
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

const awsUser: Kind = {
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

const service: Kind = {
  value: 'service',
  label: 'Service of the platform',
  fields: (form) => (
    <SelectField
      form={form}
      name="service"
      label="Service"
      options={servicePrincipals.map((name) => ({ value: name, label: name.toLowerCase().replaceAll('_', ' ') }))}
    />
  ),
  draft(_visit, form) {
    const servicePrincipal = servicePrincipals.find((each) => each === form.value('service'));
    refuse({ service: servicePrincipal === undefined ? 'Choose one of the services.' : undefined });
    return { identity: servicePrincipal === undefined ? {} : { servicePrincipal }, warnings: [] };
  },
  words: (form, name) => [name, `--service-principal=${form.value('service') || 'SERVICE'}`],
};

export const kinds: readonly Kind[] = [
  github,
  gitlab,
  buildkite,
  circleci,
  kubernetes,
  awsRole,
  awsUser,
  oidc,
  keys,
  service,
];
