import { defineCommand } from '../../cli/define.ts';
import { named, string } from '../../cli/inputs/values.ts';
import { Ending } from '../../errors.ts';
import type { Job } from './ci-surroundings.ts';
import { dataDirInput, folderOf, requireRunning } from './folder.ts';
import { environmentOf } from './view.ts';

export default defineCommand({
  path: ['local', 'run'],
  changesHere: true,
  summary: 'Run a command as if it were a job of a CI system.',
  description:
    'Sets the variables of the CI system, hands out its identity tokens on loopback, points chainctl and Terraform at the local ' +
    'platform, and takes everything away when the command has ended. Its exit code is the answer, and signals are passed on. ' +
    'Logins and the configuration of Docker are those of a fresh machine. What runs is written SYSTEM:WHO@REF: ' +
    'github:OWNER/REPO@main, gitlab:GROUP/PROJECT@main, buildkite:ORG/PIPELINE@main, circleci:ORG_ID/PROJECT_ID@main or ' +
    'kubernetes:NAMESPACE/NAME, whose token is in the file that TOKEN_FILE names.',
  inputs: {
    as: { kind: named('SYSTEM:WHO@REF'), required: true, help: 'Whose job it is.', example: 'github:acme/app@main' },
    environment: { kind: named('NAME'), help: 'GitHub: deployment environment of the job.' },
    event: { kind: named('EVENT'), help: 'GitHub: event that started it.' },
    clusterIssuer: { kind: named('URL'), help: 'Kubernetes: issuer of the cluster.' },
    tokenAudience: {
      kind: named('AUDIENCE'),
      help: 'Audience of a token that is there from the start. Defaults to the issuer of the platform.',
    },
    dataDir: dataDirInput,
    command: {
      kind: string,
      positional: 'COMMAND',
      flag: false,
      required: true,
      many: true,
      help: 'What to run, with its own words, behind "--".',
      question: 'What shall be run?',
      example: 'chainctl auth status',
    },
  },
  validate: async ({ as, environment, event, clusterIssuer }) => {
    const { parseJob } = await import('./ci-surroundings.ts');
    let job: Job | undefined;
    try {
      job = as === undefined ? undefined : parseJob(as);
    } catch (error) {
      return [`\`--as\` ${error instanceof Error ? error.message : 'is wrong'}`];
    }
    if (job === undefined) return [];
    const { system } = job;
    return [
      ...(environment !== undefined && system !== 'github' ? ['`--environment` goes with github'] : []),
      ...(event !== undefined && system !== 'github' ? ['`--event` goes with github'] : []),
      ...(clusterIssuer !== undefined && system !== 'kubernetes' ? ['`--cluster-issuer` goes with kubernetes'] : []),
    ];
  },
  examples: [
    {
      text: 'Does the workflow get in',
      args: '--as=github:acme/app@main -- chainctl auth login --identity=IDENTITY_ID',
    },
    { text: 'The steps of a deployment', args: '--as=github:acme/app@main --environment=production -- ./deploy.sh' },
    { text: 'A pod', args: `--as=kubernetes:apps/puller -- sh -c 'cat "$TOKEN_FILE"'` },
  ],
  readsConfig: false,
  run: async (context, { as, command, dataDir, environment, event, clusterIssuer, tokenAudience }): Promise<void> => {
    const folder = folderOf(context, dataDir);
    const platform = await requireRunning(context, folder);
    const { parseJob, surroundings } = await import('./ci-surroundings.ts');
    const options = { environment, event, clusterIssuer, tokenAudience, folder };
    const around = await surroundings(context, parseJob(as), options);
    const [program = '', ...words] = command;
    let code: number;
    try {
      const env = { ...environmentOf(platform), ...around.env };
      code = await context.host.runForeground(program, words, { env, signal: context.signal });
    } finally {
      await around.end();
    }
    if (code !== 0) throw new Ending(code);
  },
});
