import type { RegistryRepo, RegistryTag, RegistryTagFilter } from '../../api/schema/types/registry.gen.ts';
import { parentOf } from '../../api/uidp.ts';
import type { Context } from '../../cli/context.ts';
import type { Inputs } from '../../cli/define.ts';
import { boolean, duration } from '../../cli/inputs/values.ts';
import { waitingFor } from '../../cli/waiting.ts';
import { locationIn, type Place, selectRepositories } from './selection.ts';

/** Tags of a repository that a list shows. */
export const tagInputs = {
  updatedWithin: { kind: duration(), help: 'Only tags that moved within this time, e.g. "72h". 0 is no limit.' },
  showDates: { kind: boolean, help: 'Also tags that end in a date.' },
  showEpochs: { kind: boolean, help: 'Also tags that end in an epoch, such as "-r2".' },
  showReferrers: { kind: boolean, help: 'Also tags of signatures and attestations.' },
  activeOnly: { kind: boolean, help: 'Only the active tags of each repository.' },
} as const satisfies Inputs;

export interface TagChoice {
  readonly updatedWithin: number | undefined;
  readonly showDates: boolean;
  readonly showEpochs: boolean;
  readonly showReferrers: boolean;
  readonly activeOnly: boolean;
}

export interface Image {
  readonly repo: RegistryRepo;
  readonly tags: readonly RegistryTag[];
}

/**
 * Repositories by name with their tags by name. Two requests whatever the number of repositories, because all tags
 * below a location come in one answer (semantics 6); those of a named repository are asked for alone.
 */
export async function imagesOf(context: Context, place: Place, choice: TagChoice): Promise<readonly Image[]> {
  const filter = filterOf(context, choice);
  const repositories = selectRepositories(context, place);
  const tags =
    place.repo === undefined
      ? tagsIn(context, { ...filter, uidp: { descendantsOf: locationIn(place).id } })
      : repositories.then(async (found) => {
          const answers = await Promise.all(
            found.map(({ id = '' }) => tagsIn(context, { ...filter, uidp: { childrenOf: id } })),
          );
          return answers.flat();
        });
  const [found, all] = await waitingFor(context, 'Reading repositories and tags', Promise.all([repositories, tags]));
  const byRepo = new Map<string, RegistryTag[]>();
  for (const tag of all) {
    const repo = parentOf(tag.id ?? '');
    const known = byRepo.get(repo);
    if (known === undefined) byRepo.set(repo, [tag]);
    else known.push(tag);
  }
  const images = found.map((repo) => ({ repo, tags: chosenTags(repo, byRepo.get(repo.id ?? '') ?? [], choice) }));
  const narrowed = choice.activeOnly || (choice.updatedWithin ?? 0) > 0;
  return narrowed ? images.filter((image) => image.tags.length > 0) : images;
}

function filterOf(context: Context, choice: TagChoice): RegistryTagFilter {
  const within = choice.updatedWithin ?? 0;
  return {
    ...(within > 0 ? { updatedSince: new Date(context.host.now() - within).toISOString() } : {}),
    ...(choice.showDates ? {} : { excludeDates: true }),
    ...(choice.showEpochs ? {} : { excludeEpochs: true }),
    ...(choice.showReferrers ? {} : { excludeReferrers: true }),
  };
}

async function tagsIn(context: Context, filter: RegistryTagFilter): Promise<readonly RegistryTag[]> {
  const { items = [] } = await (await context.api()).call('registry.v1.Registry.ListTags', filter);
  return items;
}

function chosenTags(repo: RegistryRepo, tags: readonly RegistryTag[], choice: TagChoice): readonly RegistryTag[] {
  const active = new Set(repo.activeTags ?? []);
  return tags.filter(({ name = '' }) => !choice.activeOnly || active.has(name)).sort(byTagName);
}

const numbersIn = new Intl.Collator('en', { numeric: true });

/** `1.9` before `1.10`; the same order on every machine. */
export const byTagName = (a: RegistryTag, b: RegistryTag): number =>
  numbersIn.compare(a.name ?? '', b.name ?? '') || ((a.name ?? '') < (b.name ?? '') ? -1 : 1);
