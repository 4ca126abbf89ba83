import { defineCommand, defineView } from '../../cli/define.ts';
import { CliError, Ending, exitCodes } from '../../errors.ts';
import { compareOrganizations, type Difference } from '../../organization/compare.ts';
import { entriesOf } from '../../organization/entries.ts';
import type { State } from '../../organization/state.ts';
import { fromInput, parentInput, readOriginal, withStore } from './copy.ts';
import { dataDirInput, localCommand } from './folder.ts';
import { platformFolder } from './snapshot/snapshots.ts';

const words = { 'only-there': 'only there', 'only-here': 'only here', both: 'differs' } as const;

const differenceView = defineView<Difference>({
  id: ({ noun, name }) => `${noun} ${name}`,
  columns: [
    { head: 'DIFFERENCE', value: ({ where }) => words[where] },
    { head: 'WHAT', value: ({ noun }) => noun },
    { head: 'NAME', value: ({ name }) => name },
    { head: 'THERE → HERE', rank: 1, value: ({ details }) => details.join('; ') },
  ],
  json: ({ where, noun, name, details }) => ({ where, what: noun, name, details: [...details] }),
  envelope: 'items',
  empty: 'The copy is as the original.',
});

export default defineCommand({
  path: ['local', 'diff'],
  summary: 'Compare an organization with its copy.',
  description:
    'What the original of another context has and the local platform has not, the other way round, and what differs. Ids, keys ' +
    'and secrets do not count. The local platform may be running. Exits 0 when nothing differs and 3 when something does.',
  lists: true,
  inputs: { from: fromInput, parent: parentInput, dataDir: dataDirInput },
  examples: [
    {
      text: 'What has changed since the copy was made, on either side',
      args: '--from=production --parent=example.com',
    },
  ],
  view: differenceView,
  formats: ['table', 'json', 'csv', 'wide', 'markdown'],
  exitError: (results) => (results.length > 0 ? new Ending(exitCodes.differs) : undefined),
  run: async (context, { from, parent, dataDir }) => {
    const folder = platformFolder(context, dataDir);
    const { reference, copy, unseen } = await readOriginal(context, from, parent);
    for (const sentence of unseen) context.io.warn(sentence);
    const { copiedPeople, isOrganizationHere, pseudonymized, readOrganization } = await import(
      '../../local/iam/copied-organization.ts'
    );
    const both = await withStore(context, folder, (store) =>
      store.read((tx) => {
        if (!isOrganizationHere(tx, reference.id)) return undefined;
        const there = copiedPeople(tx, reference.id) === 'pseudonyms' ? pseudonymized(tx, copy) : copy;
        return { there, here: readOrganization(tx, reference.id) };
      }),
    );
    if (both === undefined) {
      throw new CliError('not-found', `The platform in "${folder}" has no copy of "${reference.name}"`, {
        code: 'not-found.organization',
        hint: `make one with \`${localCommand(context, folder, 'import')} --from ${from} --parent ${parent}\``,
      });
    }
    return compareOrganizations(entriesOf(comparable(both.there)), entriesOf(comparable(both.here)));
  },
});

/** Keys are not copied. */
const comparable = (state: State): State => ({
  ...state,
  identities: state.identities.map((one) =>
    one.static === undefined ? one : { ...one, static: { ...one.static, issuerKeys: '' } },
  ),
});
