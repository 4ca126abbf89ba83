import { compact } from '../../../../api/compact.ts';
import type { RegistryRepo } from '../../../../api/schema/types/registry.gen.ts';
import { defineView } from '../../../../cli/define.ts';
import type { Change } from './plan.ts';

/** One repository: as it is now, or what would change when nothing was to be done but to look. */
export type Applied = { readonly repo: RegistryRepo } | { readonly change: Change };

export const appliedView = defineView<Applied>({
  id: (applied) => ('repo' in applied ? applied.repo : applied.change.repo).id ?? '',
  json: (applied) => {
    if ('repo' in applied) return compact(applied.repo);
    const { repo, sections } = applied.change;
    return { id: repo.id ?? '', name: repo.name ?? '', sections };
  },
  envelope: 'items',
  text: async (applied) =>
    'repo' in applied
      ? `ID: ${applied.repo.id ?? ''}\nName: ${applied.repo.name ?? ''}\n`
      : `${(await import('./plan.ts')).changesText([applied.change])}\n`,
  empty: 'No changes.',
});
