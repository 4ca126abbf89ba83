import { defineCommand } from '../../../cli/define.ts';
import { choice, named } from '../../../cli/inputs/values.ts';
import { type Minted, mint, mintedView, mintInputs } from '../mint.ts';

export default defineCommand({
  path: ['local', 'token', 'github'],
  summary: 'Print the ID token of a GitHub Actions workflow.',
  description:
    'Its subject has the ids of owner and repository, as GitHub writes it for repositories made, renamed or transferred ' +
    'since 2026-07-15; they are those that the GitHub of this platform gives, or yours in OWNER@ID/NAME@ID.',
  inputs: {
    repo: { kind: named('OWNER/NAME'), required: true, help: 'Repository the workflow runs in.' },
    ref: { kind: named('REF'), required: true, help: 'Full reference it runs on, such as refs/heads/main.' },
    environment: {
      kind: named('NAME'),
      help: 'Deployment environment of the job; it replaces the ref in the subject.',
    },
    workflow: { kind: named('NAME'), help: 'Name of the workflow. Defaults to ci.' },
    actor: { kind: named('LOGIN'), help: 'Login of the actor. Defaults to octocat.' },
    event: { kind: named('EVENT'), help: 'Event that started it. Defaults to push, or pull_request for refs/pull.' },
    subjectForm: {
      kind: choice('ids', 'names'),
      default: 'ids',
      help: 'Whether the subject has the ids, or only the names as in older repositories.',
    },
    ...mintInputs,
  },
  examples: [
    { text: 'The main branch', args: '--repo=acme/app --ref=refs/heads/main' },
    { text: 'A deployment', args: '--repo=acme/app --ref=refs/heads/main --environment=production' },
    { text: 'An older repository', args: '--repo=acme/app --ref=refs/heads/main --subject-form=names' },
  ],
  view: mintedView,
  formats: ['text', 'json'],
  readsConfig: false,
  run: async (context, input): Promise<Minted> => {
    const { githubToken } = await import('../../../trust/ci-claims.ts');
    const { repo, ref, environment, workflow, actor, event, subjectForm: form } = input;
    return mint(context, input, githubToken({ repo, form, ref, environment, workflow, actor, event }));
  },
});
