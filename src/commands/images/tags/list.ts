import { defineCommand } from '../../../cli/define.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { imagesOf, tagInputs } from '../images.ts';
import { locationIn, placeChecks, placeInputs } from '../selection.ts';
import { shownImages } from '../view.ts';
import { tagView } from './view.ts';

export default defineCommand({
  path: ['images', 'tags', 'list'],
  summary: 'List the tags of images.',
  aliases: ['ls'],
  inputs: {
    ...placeInputs,
    ...tagInputs,
    all: { kind: boolean, help: 'Also tags with dates and epochs, and those of signatures and attestations.' },
  },
  check: placeChecks,
  examples: [
    { text: 'Of one repository', args: '--repo=nginx --parent=example.com' },
    { text: 'Every tag there is', args: '--repo=nginx --parent=example.com --all' },
  ],
  view: tagView,
  formats: ['table', 'json', 'id', 'wide', 'csv', 'terse', 'markdown'],
  run: async (context, input) => {
    const choice = input.all ? { ...input, showDates: true, showEpochs: true, showReferrers: true } : input;
    const images = await shownImages(context, await imagesOf(context, input, choice), [locationIn(input)]);
    return images.flatMap(({ registry, repo, tags }) =>
      tags.map((tag) => ({ image: `${registry}/${repo.name ?? ''}`, tag })),
    );
  },
});
