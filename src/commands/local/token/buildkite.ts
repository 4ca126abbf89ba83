import { defineCommand } from '../../../cli/define.ts';
import { named } from '../../../cli/inputs/values.ts';
import { type Minted, mint, mintedView, mintInputs } from '../mint.ts';

export default defineCommand({
  path: ['local', 'token', 'buildkite'],
  summary: 'Print the ID token of a Buildkite job.',
  description: 'What `buildkite-agent oidc request-token` prints in such a job.',
  inputs: {
    pipeline: { kind: named('ORG/PIPELINE'), required: true, help: 'Pipeline the job belongs to, by its slugs.' },
    ref: { kind: named('REF'), default: 'main', help: 'Branch, or full reference such as refs/tags/v1.' },
    step: { kind: named('KEY'), help: 'Key of the step.' },
    commit: { kind: named('SHA'), help: 'Full hash of the commit; made up when left out.' },
    ...mintInputs,
  },
  examples: [{ text: 'The main branch', args: '--pipeline=acme/app --ref=main --step=build' }],
  view: mintedView,
  formats: ['text', 'json'],
  readsConfig: false,
  run: async (context, input): Promise<Minted> => {
    const { buildkiteToken, fullRef } = await import('../../../trust/ci-claims.ts');
    const { pipeline, ref, step, commit } = input;
    return mint(context, input, buildkiteToken({ pipeline, ref: fullRef(ref), step, commit }));
  },
});
