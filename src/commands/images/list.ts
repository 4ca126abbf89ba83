import { defineCommand } from '../../cli/define.ts';
import { imagesOf, tagInputs } from './images.ts';
import { locationIn, placeChecks, placeInputs } from './selection.ts';
import { imageView, shownImages } from './view.ts';

export default defineCommand({
  path: ['images', 'list'],
  summary: 'List images with their digests and tags.',
  description: 'Tags that end in a date or an epoch, and those of signatures, are left out unless they are asked for.',
  aliases: ['ls'],
  inputs: { ...placeInputs, ...tagInputs },
  check: placeChecks,
  examples: [
    { text: 'Of an organization, as a tree', args: '--parent=example.com' },
    { text: 'What moved in the last three days', args: '--parent=example.com --updated-within=72h --show-dates' },
    { text: 'References to pull, one to a line', args: '--public --repo=nginx --output=terse' },
  ],
  view: imageView,
  formats: ['tree', 'table', 'csv', 'id', 'json', 'terse', 'wide', 'markdown'],
  run: async (context, input) => shownImages(context, await imagesOf(context, input, input), [locationIn(input)]),
});
