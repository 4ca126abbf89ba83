import { parseImageReference } from '../../api/oci-client.ts';
import type { RegistryRepo, RegistryTag, RegistryTagHistory } from '../../api/schema/types/registry.gen.ts';
import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { group, one, type Reference } from '../../cli/inputs/references.ts';
import { boolean, string } from '../../cli/inputs/values.ts';
import { CliError } from '../../errors.ts';
import { findTag, notFound, repositoryOf } from './image-reference.ts';
import { byTagName } from './images.ts';
import { locationOf, registryHost, repositoriesIn } from './repos/repository.ts';
import { namesOf } from './repos/view.ts';
import { wholeHistory } from './whole-history.ts';

interface Entry {
  readonly history: RegistryTagHistory;
  /** Images of an index by architecture; read from the registry when they are shown. */
  readonly architectures: () => Promise<readonly ArchitectureImage[]>;
}

interface ArchitectureImage {
  readonly name: string;
  readonly digest: string;
  /** Bytes of config and layers. */
  readonly size: number;
}

const timeOf = ({ history }: Entry) =>
  `${new Date(history.updateTimestamp ?? 0).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

const view = defineView<Entry>({
  id: ({ history }) => history.digest ?? '',
  columns: [
    { head: 'TIME', value: timeOf },
    { head: 'DIGEST', value: ({ history }) => history.digest },
  ],
  terse: ({ history }) => history.digest ?? '',
  json: ({ history }) => ({ digest: history.digest ?? '', updateTimestamp: history.updateTimestamp ?? '' }),
  envelope: 'array',
  text: async (entry) => {
    const lines = [`- time: ${timeOf(entry)}`, `  digest: ${entry.history.digest ?? ''}`];
    const images = await entry.architectures();
    if (images.length > 0) lines.push('  architectures:');
    for (const { name, digest, size } of images) lines.push(`    ${name}: ${digest} (${inMegabytes(size)})`);
    return `${lines.join('\n')}\n`;
  },
  empty: 'Nothing is known of what this tag named.',
});

const inMegabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(2)} MB`;

export default defineCommand({
  path: ['images', 'history'],
  summary: 'Show what a tag has named, newest first.',
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      config: 'default.group',
      help: 'Organization or folder that holds the repository.',
    },
    image: {
      kind: {
        ...string,
        metavar: 'IMAGE[:TAG]',
        parse: (text) => {
          const parsed = parseImageReference(text);
          if (parsed === undefined || parsed.digest !== undefined) throw new Error('must be IMAGE or IMAGE:TAG');
          return text;
        },
        noun: 'repository',
        candidates: async (context, chosen) => {
          const { repositoryCandidates } = await import('./image-offers.ts');
          const found = await repositoryCandidates(context, (chosen['parent'] as Reference | undefined)?.id);
          return found.length > 0 ? found : undefined;
        },
        // The only repository there is may not be the one that is meant.
        onlyCandidate: async () => undefined,
        completions: async (context, chosen, typed) => {
          const { namesWithTags, referencesWithTags } = await import('./image-offers.ts');
          const place = (chosen['parent'] as Reference | undefined)?.id;
          const names = await namesWithTags(context, place, typed);
          return names.length > 0 || typed === '' ? names : referencesWithTags(context, typed);
        },
      },
      positional: 'IMAGE[:TAG]',
      flag: false,
      required: true,
      help: 'Name of the repository, or its full reference; without a tag you pick one.',
      question: 'Which image?',
    },
    recursive: { kind: boolean, help: 'Also look for the repository in folders below.' },
  },
  examples: [
    { text: 'Pick the tag', args: 'nginx' },
    { text: 'What a tag named', args: 'nginx:1.21.0 --parent=my-org' },
    { text: 'The digest before the present one', args: 'cgr.dev/chainguard/nginx:latest --output=json' },
  ],
  view,
  lists: true,
  formats: ['text', 'json', 'table', 'csv', 'id', 'terse', 'markdown'],
  run: async (context, { image, parent, recursive }) => {
    const { repo, tag: name } = await locate(context, String(image), parent, recursive);
    const tag = name === undefined ? await pickTag(context, repo) : await findTag(context, repo, name);
    const api = await context.api();
    const items = await wholeHistory(async (start) => {
      const bounds = start === undefined ? {} : { start };
      const found = await api.call('registry.v1.Registry.ListTagHistory', { parentId: tag.id ?? '', ...bounds });
      return found.items ?? [];
    });
    const registry = async () => (await namesOf(context, parent === undefined ? [] : [parent]))(locationOf(repo));
    // The platform tells the oldest first.
    return items.reverse().map((history) => ({
      history,
      architectures: async () =>
        architecturesOf(context, `${await registry()}/${repo.name ?? ''}`, history.digest ?? ''),
    }));
  },
});

/** A bare name lies in the location; with an organization in front it says itself where. */
async function locate(
  context: Context,
  text: string,
  parent: Reference | undefined,
  recursive: boolean,
): Promise<{ repo: RegistryRepo; tag: string | undefined }> {
  const parsed = parseImageReference(text);
  if (parsed === undefined) throw new TypeError('it was parsed before');
  const { repository, tag } = parsed;
  if (parsed.registry !== '') return { repo: await repositoryOf(context, parsed), tag };
  const options = { recursive, name: repository };
  const matches = await repositoriesIn(context, parent?.id, options);
  if (matches.length === 0 && repository.includes('/')) {
    return { repo: await repositoryOf(context, { ...parsed, registry: registryHost(context) }), tag };
  }
  const all = matches.length > 0 ? matches : await repositoriesIn(context, parent?.id, { recursive });
  const repo = await one(context, repository, matches, {
    noun: 'repository',
    missing: `Repository "${repository}" not found`,
    names: () => all.map((each) => each.name ?? ''),
    candidate: ({ id = '', name = '' }) => ({ value: { id, name }, label: name, text: id }),
  });
  return { repo, tag };
}

async function pickTag(context: Context, repo: RegistryRepo): Promise<RegistryTag> {
  const { items = [] } = await (await context.api()).call('registry.v1.Registry.ListTags', {
    uidp: { childrenOf: repo.id ?? '' },
    excludeReferrers: true,
  });
  const tags = [...items].sort(byTagName);
  if (tags.length === 0) throw notFound(`No tags found in "${repo.name ?? ''}"`);
  if (!context.io.interactive) {
    throw new CliError('usage', 'A tag is required when not running interactively', {
      code: 'usage.missing',
      hint: `write it as \`${repo.name ?? ''}:${tags.find(({ name }) => name === 'latest')?.name ?? tags[0]?.name ?? ''}\``,
    });
  }
  const picked = await context.prompts.pick(
    `Which tag of ${repo.name ?? ''} would you like to see?`,
    tags.map((tag) => ({ value: tag, label: tag.name ?? '', text: tag.name ?? '' })),
  );
  return picked.value;
}

/** None for an image of one architecture, and where the registry does not let this login look. */
async function architecturesOf(context: Context, path: string, digest: string): Promise<readonly ArchitectureImage[]> {
  const { registryClient } = await import('./open-registry.ts');
  const slash = path.indexOf('/');
  const registry = path.slice(0, slash);
  const repository = path.slice(slash + 1);
  const client = await registryClient(context, registry);
  try {
    const index = await client.manifest(repository, digest);
    return await Promise.all(
      (index.manifests ?? []).flatMap(({ platform, digest: image }) => {
        const architecture = platform?.architecture;
        if (architecture === undefined || architecture === 'unknown') return [];
        const name = platform?.variant === undefined ? architecture : `${architecture}/${platform.variant}`;
        return [client.manifest(repository, image).then((found) => ({ name, digest: image, size: sizeOf(found) }))];
      }),
    );
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    context.debug(() => `architectures of ${digest}: ${error.message}`);
    return [];
  }
}

const sizeOf = ({ config, layers = [] }: { config?: { size: number }; layers?: readonly { size: number }[] }) =>
  layers.reduce((total, { size }) => total + size, config?.size ?? 0);
