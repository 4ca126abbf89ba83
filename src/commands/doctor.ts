import { audienceOfRegistry } from '../auth/session.ts';
import type { Context } from '../cli/context.ts';
import { defineCommand, defineView } from '../cli/define.ts';
import type { Kind } from '../cli/inputs/kind.ts';
import { boolean, choice } from '../cli/inputs/values.ts';
import { printable } from '../cli/io.ts';
import { purposes } from '../doctor/check.ts';
import type { Found } from '../doctor/doctor.ts';
import { CliError } from '../errors.ts';
import { imageReference } from './images/image-reference.ts';

interface Diagnosis {
  readonly found: readonly Found[];
  /** Markdown, where it was asked for. */
  readonly report: string | undefined;
}

/** Its registry is known once the configuration was read, which is what is looked at first. */
const { metavar, parse, completions } = imageReference;
const image: Kind<string> = { metavar, parse, ...(completions === undefined ? {} : { completions }) };

const words = { ok: 'ok', note: 'note', wrong: 'WRONG', skip: '-' } as const;

const view = defineView<Diagnosis>({
  json: ({ found }) => ({
    wrong: found.find(({ state }) => state === 'wrong')?.check ?? null,
    checks: found.map(({ check, state, message, file, key, fix }) => ({ check, state, message, file, key, fix })),
  }),
  text: ({ found, report }) => {
    if (report !== undefined) return report;
    const shown = found.filter(({ state }) => state !== 'skip');
    const width = Math.max(...shown.map(({ check }) => check.length));
    return shown
      .map(({ check, state, message, file, key, fix }) => {
        const by = [file, key].filter((part) => part !== undefined).join(': ');
        const more =
          state === 'ok' ? [] : [...(by === '' ? [] : [`decided by ${by}`]), ...(fix ? [`fix: ${fix}`] : [])];
        const indent = ' '.repeat(words.wrong.length + width + 4);
        const lines = [`${words[state].padEnd(words.wrong.length)}  ${check.padEnd(width)}  ${printable(message)}`];
        return `${[...lines, ...more.map((line) => `${indent}${printable(line)}`)].join('\n')}\n`;
      })
      .join('');
  },
});

export default defineCommand({
  path: ['doctor'],
  summary: 'Find what keeps pulls and installs from working.',
  description:
    'Looks in the order in which one thing rests on another, and stops at the first that is wrong: configuration, network, ' +
    'clock, login, and what --for names. Says which file and key decided, and the command that fixes it. Sends no request and ' +
    'changes nothing. Exits with 0 when nothing is wrong, 1 when something is, 2 when it was used wrongly.',
  inputs: {
    for: { kind: choice(...purposes), help: 'What has to work. Defaults to everything that is set up.' },
    image: { kind: image, help: 'Image that has to come: says which credentials each client takes for it.' },
    report: { kind: boolean, help: 'Everything, as Markdown to paste: no secrets, no addresses, home is `~`.' },
  },
  examples: [
    { text: 'Whatever is set up', args: '' },
    { text: 'Why an image does not come', args: '--for=docker --image=cgr.dev/example.com/app:latest' },
    { text: 'For an issue', args: '--report' },
  ],
  view,
  formats: ['text', 'json'],
  readsConfig: false,
  validate: ({ for: purpose, image }) =>
    image === undefined || purpose === undefined || purpose === 'docker'
      ? []
      : [`\`--image\` is about docker, and \`--for\` says ${purpose}`],
  exitError: ([diagnosis]) => {
    const first = diagnosis?.found.find(({ state }) => state === 'wrong');
    if (first === undefined) return undefined;
    return new CliError('local', `The check "${first.check}" found what is wrong`, { code: 'doctor.wrong' });
  },
  run: async (context, input): Promise<Diagnosis> => {
    const unreadable = await configurationProblem(context);
    if (unreadable !== undefined) return { found: [unreadable], report: undefined };
    const { host, config, signal } = context;
    const { examine } = await import('../doctor/doctor.ts');
    const { openRegistry } = await import('./images/open-registry.ts');
    const examined = {
      host,
      config,
      signal,
      purpose: input.for,
      image: input.image === undefined ? undefined : await imageReference.resolve?.(context, input.image, {}),
      registry: audienceOfRegistry(config.get('platform.registry')),
      openRegistry: (registry: string) => openRegistry(context, registry),
    };
    const found = await examine(examined, input.report);
    if (!input.report) return { found, report: undefined };
    const { reportOf } = await import('../doctor/report.ts');
    return { found, report: reportOf(examined, found) };
  },
});

/** Without a configuration nothing else can be looked at. */
async function configurationProblem(context: Context): Promise<Found | undefined> {
  try {
    await context.loadConfig();
    return undefined;
  } catch (error) {
    const { failure } = await import('../doctor/check.ts');
    const { locateConfig } = await import('../config/paths.ts');
    const file = locateConfig(context.host, context.globals.config).read;
    return { check: 'configuration', ...failure(error, { file }) };
  }
}
