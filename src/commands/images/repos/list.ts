import { defineCommand } from '../../../cli/define.ts';
import { locationIn, placeChecks, placeInputs, selectRepositories } from '../selection.ts';
import { repoView, shownRepo } from './view.ts';

export default defineCommand({
  path: ['images', 'repos', 'list'],
  summary: 'List image repositories.',
  aliases: ['ls'],
  inputs: placeInputs,
  check: placeChecks,
  examples: [
    { text: 'Of an organization', args: '--parent=example.com' },
    { text: 'The public ones, with bundles and tiers', args: '--public --output=wide' },
    { text: 'The id of one, or nothing', args: '--parent=example.com --repo=nginx --output=id' },
  ],
  view: repoView,
  formats: ['tree', 'table', 'json', 'id', 'wide', 'csv', 'terse', 'markdown'],
  run: async (context, input) => {
    const location = locationIn(input);
    return (await selectRepositories(context, input)).map((repo) => shownRepo(context, repo, [location]));
  },
});
