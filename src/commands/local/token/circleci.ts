import { defineCommand } from '../../../cli/define.ts';
import { named } from '../../../cli/inputs/values.ts';
import { type Minted, mint, mintedView, mintInputs } from '../mint.ts';

export default defineCommand({
  path: ['local', 'token', 'circleci'],
  summary: 'Print the ID token of a CircleCI job.',
  description: 'What CIRCLE_OIDC_TOKEN holds in such a job. Its audience defaults to the organization.',
  inputs: {
    project: {
      kind: named('ORG_ID/PROJECT_ID'),
      required: true,
      help: 'Organization and project by their ids; a third id is the user who started the job.',
    },
    ref: { kind: named('REF'), default: 'main', help: 'Branch, or full reference such as refs/tags/v1.' },
    ...mintInputs,
  },
  examples: [
    {
      text: 'The main branch',
      args: '--project=8f9a0b1c-2d3e-4f50-8a6b-7c8d9e0f1a2b/1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9',
    },
  ],
  view: mintedView,
  formats: ['text', 'json'],
  readsConfig: false,
  run: async (context, input): Promise<Minted> => {
    const { circleciToken, fullRef } = await import('../../../trust/ci-claims.ts');
    const { organization, ...claims } = circleciToken({ project: input.project, ref: fullRef(input.ref) });
    const audience = input.audience.length > 0 ? input.audience : [organization];
    return mint(context, { ...input, audience }, claims);
  },
});
