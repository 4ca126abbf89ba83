import { compact } from '../../api/compact.ts';
import type { RegistryTag } from '../../api/schema/types/registry.gen.ts';
import type { Context } from '../../cli/context.ts';
import { type CellContext, defineView, type TreeNode } from '../../cli/define.ts';
import type { Reference } from '../../cli/inputs/references.ts';
import { timeCell } from '../../cli/output/age.ts';
import type { Image } from './images.ts';
import { locationOf } from './repos/repository.ts';
import { namesOf } from './repos/view.ts';

export interface ShownImage extends Image {
  /** `cgr.dev/example.com`. */
  readonly registry: string;
}

/** `places` are locations whose names are known already. */
export async function shownImages(
  context: Context,
  images: readonly Image[],
  places: readonly Reference[],
): Promise<readonly ShownImage[]> {
  const name = await namesOf(context, places);
  return images.map((image) => ({ ...image, registry: name(locationOf(image.repo)) }));
}

/** Returns what a row is about: rows hold one tag each. */
const tagOf = ({ tags }: ShownImage): RegistryTag => tags[0] ?? {};

export const updatedCell = (tag: RegistryTag, cell: CellContext): string => {
  const at = Date.parse(tag.lastUpdated ?? '');
  return Number.isNaN(at) ? '' : timeCell(at, cell);
};

export const imageView = defineView<ShownImage>({
  id: ({ repo }) => repo.id ?? '',
  rows: (image) => image.tags.map((tag) => ({ ...image, tags: [tag] })),
  columns: [
    { head: 'REPO', value: ({ registry, repo }) => `${registry}/${repo.name ?? ''}` },
    { head: 'TAG', value: (row) => tagOf(row).name },
    { head: 'DIGEST', rank: 1, value: (row) => tagOf(row).digest },
    { head: 'LAST UPDATED', rank: 2, value: (row, cell) => updatedCell(tagOf(row), cell) },
    { head: 'TAG ID', value: (row) => tagOf(row).id, wide: true },
  ],
  // A reference that a registry client can pull as it stands (script-contracts 10, row 48).
  terse: (row) => `${row.registry}/${row.repo.name ?? ''}:${tagOf(row).name ?? ''}@${tagOf(row).digest ?? ''}`,
  json: ({ repo, tags }) => ({ repo: compact(repo), tags: tags.map(compact) }),
  envelope: 'array',
  tree: nest,
  empty: 'No images found.',
});

/** Registries, repositories, digests in order and the tags of each (outputs.md, images list). */
function nest(images: readonly ShownImage[]): readonly TreeNode[] {
  const roots = new Map<string, TreeNode[]>();
  for (const { registry, repo, tags } of images) {
    const digests = new Map<string, TreeNode[]>();
    for (const { name = '', digest = '' } of tags) {
      const under = digests.get(digest) ?? [];
      under.push({ label: `[${name}]`, children: [] });
      digests.set(digest, under);
    }
    const children = [...digests]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([label, below]) => ({ label, children: below }));
    const root = roots.get(registry) ?? [];
    root.push({ label: `[${repo.name ?? ''}]`, children });
    roots.set(registry, root);
  }
  return [...roots].map(([registry, children]) => ({ label: `[${registry}]`, children }));
}
