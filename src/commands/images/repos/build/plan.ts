// From a configuration to changed repositories. Guarantees: what is confirmed is what is sent, and nothing somebody else
// changed meanwhile is undone; of several repositories the failure of one does not keep the others from being changed, and
// every failure is told.

import { isDeepStrictEqual } from 'node:util';
import type { RegistryCustomOverlay, RegistryRepo } from '../../../../api/schema/types/registry.gen.ts';
import type { Context } from '../../../../cli/context.ts';
import { printable } from '../../../../cli/io.ts';
import { CliError } from '../../../../errors.ts';
import { forEachConcurrently } from '../../../../parallel.ts';
import { presentRepository } from '../repository.ts';
import { diffOverlays, diffText, type SectionDiff } from './overlay-diff.ts';

export interface Change {
  readonly repo: RegistryRepo;
  readonly after: RegistryCustomOverlay;
  readonly sections: readonly SectionDiff[];
}

/** From cli.json, "images repos build apply". */
const concurrency = 10;

export const changeOf = (repo: RegistryRepo, after: RegistryCustomOverlay): Change => ({
  repo,
  after,
  sections: diffOverlays(repo.customOverlay ?? {}, after),
});

/** The differences of every repository that has some; those that are alike share one text. */
export function changesText(changes: readonly Change[]): string {
  const names = new Map<string, string[]>();
  for (const { repo, sections } of changes) {
    if (sections.length === 0) continue;
    const text = diffText(sections);
    names.set(text, [...(names.get(text) ?? []), repo.name ?? '']);
  }
  return [...names].map(([text, repos]) => `${repos.join(', ')}\n\n${text}`).join('\n');
}

/** Sends what changes; resolves to the repositories as they are then. */
export async function applyChanges(
  context: Context,
  changes: readonly Change[],
  saveAs: string | undefined,
): Promise<readonly RegistryRepo[]> {
  const api = await context.api();
  const send = async ({ repo, after, sections }: Change): Promise<RegistryRepo> => {
    if (saveAs !== undefined) {
      const { catalogTier, bundles, sync_config } = repo;
      return api.call('registry.v1.Registry.CreateRepo', {
        parentId: (repo.id ?? '').split('/').slice(0, -1).join('/'),
        repo: {
          name: saveAs,
          ...(catalogTier === undefined ? {} : { catalogTier }),
          ...(bundles === undefined ? {} : { bundles }),
          // Without a source of its own the repository is the source.
          sync_config: { ...sync_config, source: sync_config?.source || (repo.id ?? '') },
          customOverlay: after,
        },
        preventExisting: true,
      });
    }
    if (sections.length === 0) return repo;
    // An editor or a question may have been open for long, and the platform replaces all of the repository (semantics 5, PUT).
    const present = await presentRepository(context, repo);
    if (!isDeepStrictEqual(present.customOverlay, repo.customOverlay)) {
      throw new CliError('conflict', `Someone else changed the configuration of "${repo.name}" meanwhile`, {
        code: 'conflict.build-config',
        hint: 'run it again to see the difference to what is there now',
      });
    }
    return api.call('registry.v1.Registry.UpdateRepo', { ...present, customOverlay: after });
  };

  const results: RegistryRepo[] = [];
  const failures: string[] = [];
  let last: unknown;
  await forEachConcurrently(changes, concurrency, async (change, at) => {
    context.signal.throwIfAborted();
    try {
      results[at] = await send(change);
    } catch (error) {
      last = error;
      failures.push(printable(`${change.repo.name}: ${error instanceof Error ? error.message : String(error)}`));
    }
  });
  if (failures.length === 0) return results;
  if (changes.length === 1 || context.signal.aborted) throw last;
  throw new CliError('api', `${failures.length} of ${changes.length} repositories could not be changed`, {
    code: 'build.partial',
    details: failures.sort(),
    cause: last,
  });
}
