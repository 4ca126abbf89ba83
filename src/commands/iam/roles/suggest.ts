import { type Suggestion, suggestRoles, type Use } from '../../../access/suggestion.ts';
import { parentOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import { groupDirectory } from '../../../cli/inputs/references.ts';
import { string } from '../../../cli/inputs/values.ts';
import { CliError } from '../../../errors.ts';
import { shellWord } from '../../../shell-word.ts';
import { dataDirInput, folderOf, runningPlatform } from '../../local/folder.ts';
import { ownHoldings, placeName } from '../access/facts.ts';
import { visibleRoles } from './role.ts';

interface Suggested {
  readonly suggestion: Suggestion;
  readonly location: string;
}

const customName = 'suggested';

const suggestedView = defineView<Suggested>({
  columns: [
    { head: 'LOCATION', value: ({ location }) => location },
    { head: 'ROLE', value: ({ suggestion }) => suggestion.role?.name ?? 'a custom role' },
    { head: 'NEEDED', value: ({ suggestion }) => suggestion.capabilities.join(', ') },
    { head: 'LOCATION ID', id: true, wide: true, value: ({ suggestion }) => suggestion.place },
  ],
  json: ({ suggestion: { place, role, capabilities }, location }) => ({
    location,
    locationId: place,
    ...(role === undefined ? { custom: true } : { role: role.name, roleId: role.id }),
    capabilities,
  }),
  envelope: 'items',
  empty: 'It needs no role.',
});

export default defineCommand({
  path: ['iam', 'roles', 'suggest'],
  summary: 'Find the smallest roles with which a command runs.',
  description:
    'Runs the command on a copy of the local platform, reads in its audit log what was used where, and runs it again on a fresh ' +
    'copy as someone who holds the suggested roles and nothing else. Only what that run proves is printed. The platform itself ' +
    'stays as it is. Pulls and pushes of images are not in the audit log, and so not in the suggestion.',
  lists: true,
  inputs: {
    dataDir: dataDirInput,
    command: {
      kind: string,
      positional: 'COMMAND',
      flag: false,
      required: true,
      many: true,
      help: 'What is to be run, with its own words, behind "--".',
      question: 'Which command should run?',
      example: 'chainctl iam groups list',
    },
  },
  examples: [
    { text: 'For a job that makes a folder', args: '-- chainctl iam folders create app --parent=engineering --yes' },
    { text: 'For a script', args: '--output=json -- ./deploy.sh' },
  ],
  view: suggestedView,
  formats: ['table', 'json'],
  run: async (context, { command, dataDir }) => {
    const folder = folderOf(context, dataDir);
    const platform = await runningPlatform(folder);
    const api = context.config.get('platform.api');
    if (platform === undefined || platform.api !== api) {
      throw new CliError('local', `Roles are suggested on the local platform only, and ${api} is none that runs here`, {
        code: 'local.not-local',
        hint: 'start it with `chainctl local start --detach`, and name it with `--context=local`',
      });
    }
    const { rehearseCommand } = await import('../../local/rehearse.ts');
    const { id } = await ownHoldings(context);
    const first = await rehearseCommand(context, folder, { identity: id }, command);
    if (first.result !== 0) throw failed(first.result);
    const uses = await usesOf(context, first.calls);
    const roles = await visibleRoles(context);
    for (const lists of ['narrow', 'wide'] as const) {
      const suggestions = suggestRoles(uses, roles, lists);
      const { result, calls } = await rehearseCommand(context, folder, { holding: suggestions }, command);
      if (result !== 0 || calls.some(({ outcome }) => outcome === 'refused')) continue;
      const shown = suggestions.map(async (suggestion) => ({
        suggestion,
        location: await placeName(context, suggestion.place),
      }));
      const all = await Promise.all(shown);
      if (!context.isJsonAlone) tell(context, all);
      return all;
    }
    throw new CliError('local', 'No roles were found with which the command runs', {
      code: 'local.no-suggestion',
      hint: 'see what it needs with `chainctl events audit list`',
    });
  },
});

const failed = (code: number) =>
  new CliError('local', `The command ended with ${code} although it had every right of this login`, {
    code: 'local.command-failed',
    hint: 'fix it first, or sign in as someone who may do it',
  });

/** Capabilities used, by place, as far as this login sees the groups. */
async function usesOf(
  context: Context,
  calls: readonly { readonly operation: string; readonly place: string; readonly outcome: string }[],
): Promise<Use[]> {
  const [{ allOperations }, { byId }] = await Promise.all([import('../../api/operations.ts'), groupDirectory(context)]);
  const { besideOperations } = await import('../../../api/schema/beside.ts');
  const operations = new Map(
    [...Object.values(besideOperations), ...(await allOperations())].map((one) => [one.id, one]),
  );
  return calls.flatMap(({ operation, place, outcome }) => {
    const facts = operations.get(operation);
    let at = place;
    // Things that the command itself creates will be somewhere else the next time.
    while (at !== '' && !byId.has(at)) at = parentOf(at);
    if (facts === undefined || facts.capabilities.length === 0 || at === '' || outcome === 'refused') return [];
    return [{ place: at, capabilities: facts.capabilities, isAnywhere: facts.unscoped && facts.readOnly }];
  });
}

/** The lines that give the roles to somebody. */
function tell({ io }: Context, all: readonly Suggested[]): void {
  io.note('It ran with these roles and nothing else. To grant them:');
  for (const [at, { suggestion, location }] of all.entries()) {
    const parent = location === suggestion.place ? suggestion.place : shellWord(location);
    const name = suggestion.role?.name ?? `${customName}${at === 0 ? '' : `-${at + 1}`}`;
    if (suggestion.role === undefined) {
      io.note(
        `  chainctl iam roles create ${name} --parent=${parent} --capabilities=${suggestion.capabilities.join()}`,
      );
    }
    io.note(`  chainctl iam role-bindings create --identity=IDENTITY --role=${name} --parent=${parent}`);
  }
}
