import { defineCommand } from '../../../cli/define.ts';
import { choice, named } from '../../../cli/inputs/values.ts';
import { type Minted, mint, mintedView, mintInputs } from '../mint.ts';

export default defineCommand({
  path: ['local', 'token', 'gitlab'],
  summary: 'Print the ID token of a GitLab CI job.',
  inputs: {
    projectPath: { kind: named('GROUP/PROJECT'), required: true, help: 'Project the job runs in.' },
    ref: { kind: named('NAME'), required: true, help: 'Branch or tag it runs on, such as main.' },
    refType: { kind: choice('branch', 'tag'), default: 'branch', help: 'Which of the two the ref is.' },
    ...mintInputs,
  },
  examples: [
    { text: 'The main branch', args: '--project-path=acme/app --ref=main' },
    { text: 'A release', args: '--project-path=acme/app --ref=v1.0.0 --ref-type=tag' },
  ],
  view: mintedView,
  formats: ['text', 'json'],
  readsConfig: false,
  run: async (context, input): Promise<Minted> => {
    const { gitlabToken } = await import('../../../trust/ci-claims.ts');
    const { projectPath, ref, refType } = input;
    return mint(context, input, gitlabToken({ projectPath, ref, refType }));
  },
});
