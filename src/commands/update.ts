import { buildTarget, buildVersion, isExecutable, updateKey, updateUrl } from '../build.ts';
import type { Context } from '../cli/context.ts';
import { defineCommand, defineView } from '../cli/define.ts';
import { boolean, named } from '../cli/inputs/values.ts';
import { remembered } from '../cli/remembered.ts';
import { CliError } from '../errors.ts';
import type { UpdatePlan } from '../update/update.ts';

interface UpdateResult {
  readonly currentVersion: string;
  readonly latestVersion: string;
  readonly downloadUrl: string;
  readonly path: string;
  readonly updated: boolean;
}

const updateView = defineView<UpdateResult>({
  // People read what happened as it happens.
  text: () => '',
});

export default defineCommand({
  path: ['update'],
  changesHere: true,
  summary: 'Replace chainctl with a newer release.',
  description:
    'Only an executable replaces itself; where a package manager put chainctl, its command is printed. The release is ' +
    'believed when its signature fits the key this program was built with. The old program is kept in the cache folder, ' +
    'and comes back when the new one does not run.',
  inputs: {
    version: { kind: named('VERSION'), help: 'Take this release, even if it is older.' },
    check: { kind: boolean, help: 'Check for a newer release, and change nothing.' },
    force: { kind: boolean, help: 'Replace it even if this release is installed.' },
  },
  examples: [
    { text: 'To the latest release', args: '' },
    { text: 'Is there a newer one?', args: '--check --output=json' },
    { text: 'Back to an older one', args: '--version=0.1.0' },
  ],
  view: updateView,
  formats: ['text', 'json'],
  confirm: async (input, context) => {
    const plan = await planOf(context, input.version);
    if (input.check || !(plan.isNewer || input.force)) return undefined;
    return { message: `Update chainctl to ${plan.latest}?`, default: true };
  },
  run: async (context, input): Promise<UpdateResult> => {
    const plan = await planOf(context, input.version);
    if (!plan.isNewer && !input.force) context.io.note('chainctl is up to date');
    const isWanted = !input.check && (plan.isNewer || input.force);
    if (isWanted) await update(context, plan);
    return {
      currentVersion: plan.current,
      latestVersion: plan.latest,
      downloadUrl: plan.url,
      path: plan.path,
      updated: isWanted,
    };
  },
});

const planOf = remembered(async (context: Context, version: string | undefined): Promise<UpdatePlan> => {
  const { host, signal, io } = context;
  const { installationOf } = await import('../update/installation.ts');
  const { planUpdate } = await import('../update/update.ts');
  const { isVersion } = await import('../update/metadata.ts');
  const wanted = version?.replace(/^v/, '');
  if (wanted !== undefined && !isVersion(wanted)) {
    throw new CliError('usage', '`--version` must be a release such as "1.2.3"', { code: 'usage.bad-value' });
  }
  const installation = installationOf(host, isExecutable);
  if (installation.kind === 'managed') {
    throw new CliError('local', `${installation.by} looks after this chainctl, so it does not replace itself`, {
      code: 'update.managed',
      hint: `run \`${installation.command}\``,
    });
  }
  const url = feedUrl(context);
  if (updateKey === '') {
    throw new CliError('local', 'This build has no key to verify releases with, so it does not update itself', {
      code: 'update.no-key',
      hint: 'install a signed release',
    });
  }
  const request = {
    current: buildVersion,
    target: buildTarget,
    path: installation.path,
    feed: { url, publicKey: updateKey },
    version: wanted,
  };
  const plan = await planUpdate(host, request, signal);
  for (const line of block(plan, host.platform)) io.note(line);
  return plan;
});

function feedUrl({ config, host }: Context): string {
  const url = config.get('update.url') || host.env['CHAINCTL_UPDATE_URL'] || updateUrl;
  if (url !== '' && URL.canParse(url)) return url.replace(/\/+$/, '');
  if (url !== '') {
    throw new CliError('usage', 'CHAINCTL_UPDATE_URL must be an https address', { code: 'usage.bad-value' });
  }
  throw new CliError('local', 'No place is configured where releases are', {
    code: 'update.no-feed',
    hint: 'name it with `chainctl config set update.url URL`',
  });
}

/** The block of the seed documents (outputs.md, update). */
function block(plan: UpdatePlan, platform: string): string[] {
  const [, ...processor] = buildTarget.split('_');
  const rows = [
    ['Current version:', plan.current === 'dev' ? 'dev' : `v${plan.current}`],
    ['Latest version:', plan.latest],
    ['Download URL:', plan.url],
    ['chainctl filepath:', plan.path],
    ['Cache:', plan.cache],
    ['Operating System:', platform === 'win32' ? 'windows' : platform],
    ['Architecture:', processor.join('_')],
  ];
  return rows.map(([label = '', value]) => `${label.padEnd(20)}${value}`);
}

async function update({ host, io, signal }: Context, plan: UpdatePlan): Promise<void> {
  const { carryOut } = await import('../update/update.ts');
  const { backup } = plan.replacement;
  const answer = await carryOut(host, plan, signal, (step) => {
    if (step === 'downloaded') {
      io.note(`${io.errStyle.green('✔')} Download complete!`);
      io.note(`Keeping the current chainctl as ${backup}`);
      io.note(`Updating ${plan.path}`);
    } else io.note('Update complete! ⛓');
  });
  io.note('');
  for (const line of answer.trimEnd().split('\n')) io.note(line);
  io.note('');
  io.note(`To remove the backup: rm -f ${backup}`);
}
