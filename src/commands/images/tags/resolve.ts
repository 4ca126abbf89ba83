import { formatReference } from '../../../api/oci-client.ts';
import { defineCommand } from '../../../cli/define.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { findTag, imageReference, notFound, repositoryOf } from '../image-reference.ts';
import { byTagName } from '../images.ts';
import { tagView } from './view.ts';

export default defineCommand({
  path: ['images', 'tags', 'resolve'],
  summary: 'Resolve a tag to its digest and list its aliases.',
  description: 'The tag itself comes first, then the tags that name the same digest.',
  inputs: {
    image: {
      kind: imageReference,
      positional: 'IMAGE_REF',
      flag: false,
      required: true,
      help: 'Image with its organization; tag "latest" unless a tag or digest is given.',
      question: 'Which image?',
    },
    all: { kind: boolean, help: 'Also tags with dates and epochs, and those of signatures and attestations.' },
  },
  examples: [
    { text: 'Which version is the latest', args: 'cgr.dev/chainguard/python:latest' },
    { text: 'With tags of builds', args: 'cgr.dev/chainguard/python:latest --all --output=json' },
  ],
  view: tagView,
  lists: true,
  formats: ['table', 'json', 'id', 'wide', 'csv', 'terse', 'markdown'],
  run: async (context, { image, all }) => {
    const repo = await repositoryOf(context, image);
    const name = image.tag ?? (image.digest === undefined ? 'latest' : undefined);
    const named = name === undefined ? undefined : await findTag(context, repo, name);
    const digest = image.digest ?? named?.digest ?? '';
    if (named !== undefined && named.digest !== digest) {
      throw notFound(`Tag "${named.name ?? ''}" with digest ${digest} not found in "${repo.name ?? ''}"`);
    }
    const { items = [] } = await (await context.api()).call('registry.v1.Registry.ListTags', {
      uidp: { childrenOf: repo.id ?? '' },
      digest,
      ...(all ? {} : { excludeDates: true, excludeEpochs: true, excludeReferrers: true }),
    });
    const others = items.filter(({ id }) => id !== named?.id).sort(byTagName);
    const tags = named === undefined ? others : [named, ...others];
    if (tags.length === 0) throw notFound(`No tag of ${digest} found in "${repo.name ?? ''}"`);
    const path = formatReference({ ...image, tag: undefined, digest: undefined });
    return tags.map((tag) => ({ image: path, tag }));
  },
});
