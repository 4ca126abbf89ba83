import { defineCommand } from '../../../cli/define.ts';
import { imagesOf, tagInputs } from '../images.ts';
import { locationIn, placeChecks, placeInputs, selectRepositories } from '../selection.ts';
import { repoView, shownRepo } from './view.ts';

export default defineCommand({
  path: ['images', 'repos', 'list'],
  summary: 'List image repositories.',
  aliases: ['ls'],
  inputs: {
    ...placeInputs,
    updatedWithin: {
      ...tagInputs.updatedWithin,
      help: 'Only repositories with a tag that moved within this time, e.g. "72h". 0 is no limit.',
    },
    showDates: { ...tagInputs.showDates, help: 'With --updated-within: tags that end in a date count as well.' },
    showEpochs: { ...tagInputs.showEpochs, help: 'With --updated-within: tags that end in an epoch count as well.' },
    showReferrers: {
      ...tagInputs.showReferrers,
      help: 'With --updated-within: tags of signatures and attestations count as well.',
    },
    activeOnly: {
      ...tagInputs.activeOnly,
      help: 'Only repositories with active tags; with --updated-within no others count.',
    },
  },
  check: placeChecks,
  examples: [
    { text: 'Of an organization', args: '--parent=example.com' },
    { text: 'The public ones, with bundles and tiers', args: '--public --output=wide' },
    { text: 'What moved in the last three days', args: '--parent=example.com --updated-within=72h' },
    { text: 'The id of one, or nothing', args: '--parent=example.com --repo=nginx --output=id' },
  ],
  view: repoView,
  formats: ['tree', 'table', 'json', 'id', 'wide', 'csv', 'terse', 'markdown'],
  run: async (context, input) => {
    const location = locationIn(input);
    const isNarrowed = (input.updatedWithin ?? 0) > 0 || input.activeOnly;
    const repos = isNarrowed
      ? (await imagesOf(context, input, input)).map(({ repo }) => repo)
      : await selectRepositories(context, input);
    return repos.map((repo) => shownRepo(context, repo, [location]));
  },
});
