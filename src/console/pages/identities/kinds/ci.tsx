// Jobs of CI systems, and pods, by what their tokens say.

import { isPattern } from '../../../../api/claim-patterns.ts';
import {
  type GithubRepository,
  githubProblems,
  githubRule,
  githubWarnings,
  repositoryIn,
} from '../../../../api/github-rules.ts';
import { gitlabProblems, gitlabRule, gitlabWarnings } from '../../../../api/gitlab-rules.ts';
import { buildkiteIssuer, fullRef } from '../../../../trust/ci-claims.ts';
import { type Form, refuse } from '../../../form.ts';
import { SelectField, TextField } from '../../../parts/fields.tsx';
import { issuerSentence, type Kind, ofField, optional, plainly, refusePatterns } from './kind.ts';

export const github: Kind = {
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
        note="Defaults to the platform."
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
              `The ids of the repository are not known here${reason}: tokens that have them in their subject, as GitHub writes it for newer repositories, are refused, and anyone who takes the name later is admitted. Write owner@123/name@456.`,
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

export const gitlab: Kind = {
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

export const buildkite = ofIssuer(
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

export const circleci = ofIssuer(
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

export const kubernetes = ofIssuer(
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
