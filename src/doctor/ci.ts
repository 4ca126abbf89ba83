// A job that signs in by itself: whether its surroundings hand out an identity token.

import { ambientHint, ambientProvider } from '../auth/ambient.ts';
import type { Host } from '../host.ts';
import { type Check, note, ok, skip, wrong } from './check.ts';

const isJob = ({ env }: Host): boolean => Boolean(env['CI']) && env['CI'] !== 'false' && env['CI'] !== '0';

export const ci: Check = {
  name: 'ci',
  purposes: ['ci'],
  async look({ host, purpose }) {
    const provider = ambientProvider(host);
    if (provider?.isJob) return [ok(`The job can have an identity token: ${provider.name}`)];
    if (!isJob(host)) {
      return [purpose === 'ci' ? note('This is no CI job: run it in one', { key: 'CI' }) : skip('This is no CI job')];
    }
    const login = 'chainctl auth login --identity=IDENTITY_ID --identity-token=FILE';
    const hint = ambientHint(host, true);
    const key =
      host.env['GITHUB_ACTIONS'] === 'true'
        ? 'permissions.id-token'
        : host.env['GITLAB_CI'] === 'true'
          ? 'id_tokens'
          : 'CI';
    // The workflow's path is between the repository's and the reference.
    const [, workflow] = /^[^/]+\/[^/]+\/(.+)@/.exec(host.env['GITHUB_WORKFLOW_REF'] ?? '') ?? [];
    const file = workflow ?? (key === 'id_tokens' ? '.gitlab-ci.yml' : undefined);
    return [wrong('The job provides no identity token', hint ?? login, { file, key })];
  },
};
