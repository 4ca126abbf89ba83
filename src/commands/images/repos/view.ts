import { compact } from '../../../api/compact.ts';
import type { RegistryRepo } from '../../../api/schema/types/registry.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineView, type TreeNode } from '../../../cli/define.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { remembered } from '../../../cli/remembered.ts';
import { locationOf, registryNames } from './repository.ts';

export interface ShownRepo {
  readonly repo: RegistryRepo;
  /** `cgr.dev/example.com`; looked up when it is shown. */
  readonly registry: () => Promise<string>;
}

/** `places` are locations whose names are known already. */
export const shownRepo = (context: Context, repo: RegistryRepo, places: readonly Reference[] = []): ShownRepo => ({
  repo,
  registry: async () => (await namesOf(context, places))(locationOf(repo)),
});

export const namesOf = remembered((context: Context, places: readonly Reference[]) => registryNames(context, places));

const tierOf = ({ repo }: ShownRepo) => repo.catalogTier || 'UNKNOWN';

export const repoView = defineView<ShownRepo>({
  id: ({ repo }) => repo.id ?? '',
  columns: [
    { head: 'ID', id: true, value: ({ repo }) => repo.id, wide: true },
    { head: 'REGISTRY', rank: 2, value: ({ registry }) => registry() },
    { head: 'REPO', value: ({ repo }) => repo.name },
    { head: 'BUNDLES', rank: 3, value: ({ repo }) => (repo.bundles ?? []).join(', ') },
    { head: 'TIER', rank: 1, value: tierOf },
  ],
  terse: ({ repo }) => repo.name ?? '',
  json: ({ repo }) => compact(repo),
  envelope: 'items',
  tree: async (items) => {
    const roots = new Map<string, TreeNode[]>();
    for (const item of items) {
      const root = `[${await item.registry()}]`;
      const nodes = roots.get(root) ?? [];
      nodes.push({ label: `[${item.repo.name ?? ''}]`, children: [] });
      roots.set(root, nodes);
    }
    return [...roots].map(([label, children]) => ({ label, children }));
  },
  text: (item) => `ID: ${item.repo.id ?? ''}\nName: ${item.repo.name ?? ''}\nTier: ${tierOf(item)}\n`,
  empty: 'No repositories found.',
});
