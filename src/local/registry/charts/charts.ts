import type {
  RegistryAddChartRequest,
  RegistryAddChartResponse,
  RegistryAddChartResult,
  RegistryChart,
  RegistryFindChartRequest,
  RegistryFindChartResponse,
  RegistryGetChartRequest,
  RegistryListChartsByImageRepoRequest,
  RegistryListChartsByImageRepoResponse,
} from '../../../api/schema/types/registry.gen.ts';
import { parentOf } from '../../../api/uidp.ts';
import { requiredUidp } from '../../api/selection.ts';
import { hasCapabilities } from '../../authorization/access.ts';
import { failedPrecondition, invalidArgument, notFound } from '../../core/failures.ts';
import type { CallContext } from '../../core/handler.ts';
import type { Caller } from '../../core/types.ts';
import { findGroup } from '../../iam/groups.ts';
import type { Tx } from '../../store/database.ts';
import { attributesOf, findRepo, toWireRepo } from '../catalog/repos.ts';
import { requireRepository } from '../catalog/tags.ts';
import { imagesOf, type ReadBlob } from '../image-documents.ts';
import { createRepository, findRepository, findRepositoryById, type Repository } from '../repositories.ts';
import { copyFromSource } from '../sync.ts';
import { type ChartArchive, type ChartImageReference, chartContentType, readChart } from './chart-archive.ts';

const catalogs: Readonly<Record<string, string>> = {
  CHART_CATALOG_UNSPECIFIED: 'charts',
  CHART_CATALOG_COMMUNITY: 'charts',
  CHART_CATALOG_IAMGUARDED: 'iamguarded-charts',
};

/** The public repository of a chart, by the chart's name. */
export function findChart(tx: Tx, _caller: Caller, request: RegistryFindChartRequest): RegistryFindChartResponse {
  const { name } = request;
  if (name === undefined || name === '') throw invalidArgument('name is required');
  const folder = catalogs[request.catalog ?? 'CHART_CATALOG_UNSPECIFIED'];
  if (folder === undefined) throw invalidArgument(`catalog ${JSON.stringify(request.catalog)} is not known`);
  const row = tx.get('SELECT id FROM repos WHERE public = 1 AND name = ?', `${folder}/${name}`);
  if (row === undefined) throw notFound(`chart ${JSON.stringify(name)} not found`);
  return { sourceRepoId: String(row['id']), name };
}

/** The chart and the images it names, each as a repository that is filled from its source. Existing ones are kept. */
export function addChart(
  tx: Tx,
  caller: Caller,
  request: RegistryAddChartRequest,
  { readBlob, announce }: CallContext,
): RegistryAddChartResponse {
  const group = findGroup(tx, requiredUidp('parent_id', request.parentId));
  const destination = { id: String(group['id']), name: String(group['name']) };
  const source = findRepositoryById(tx, requiredUidp('source_repo_id', request.sourceRepoId));
  if (source === undefined || !isReadable(tx, caller, source)) {
    throw notFound(`source_repo_id: ${request.sourceRepoId} not found`);
  }
  if (parentOf(source.id) === destination.id) {
    throw failedPrecondition('the chart is in this organization already');
  }
  const tag = request.tag !== undefined && request.tag !== '' ? request.tag : newestTag(tx, source);
  const chart = tag === undefined ? undefined : chartOf(tx, source, tag, readBlob);
  if (chart === undefined) throw notFound(`${source.name} has no chart ${JSON.stringify(tag ?? '')}`);
  const repositories = [source, ...sourcesOfImages(tx, source, chart.images)];
  const repos = repositories.map((from) => adopt(tx, destination, from, request.dryRun === true));
  for (const { id, created } of repos) {
    if (id === undefined || created !== true) continue;
    const message = { request: {}, response: toWireRepo(tx, findRepo(tx, id)) };
    announce(tx, 'registry.v1.Registry.CreateRepo', message, caller);
  }
  return { repos };
}

/** Returns what a chart says of itself. */
export function getChart(
  tx: Tx,
  _caller: Caller,
  request: RegistryGetChartRequest,
  { readBlob }: CallContext,
): RegistryChart {
  const repository = requireRepository(tx, requiredUidp('repo_id', request.repoId));
  const chart = chartOf(tx, repository, request.digest ?? '', readBlob);
  if (chart === undefined) throw notFound(`${request.digest} is not a chart in ${repository.id}`);
  const { metadata } = chart;
  const dependencies = Array.isArray(metadata['dependencies']) ? metadata['dependencies'] : [];
  const annotations = Object.entries((metadata['annotations'] ?? {}) as Record<string, unknown>);
  return {
    name: text(metadata['name']),
    version: text(metadata['version']),
    appVersion: text(metadata['appVersion']),
    description: text(metadata['description']),
    dependencies: dependencies.map((one: Record<string, unknown>) => ({
      name: text(one['name']),
      version: text(one['version']),
      repository: text(one['repository']),
    })),
    annotations: Object.fromEntries(annotations.map(([key, value]) => [key, text(value)])),
    images: chart.images.map(({ name, image, requirement }) => ({
      name,
      image,
      requirement: wireRequirement(requirement),
    })),
    raw: chart.raw,
    values: chart.values,
    changelog: chart.changelog,
  };
}

/** Public charts whose newest version names the image of this repository, or of the one it is filled from. */
export function listChartsByImageRepo(
  tx: Tx,
  _caller: Caller,
  request: RegistryListChartsByImageRepoRequest,
  { readBlob }: CallContext,
): RegistryListChartsByImageRepoResponse {
  const row = findRepo(tx, requiredUidp('repo_id', request.repoId));
  const original = attributesOf(row).sync_config?.source ?? String(row['id']);
  const charts = tx
    .all(
      "SELECT id FROM repos WHERE public = 1 AND (name GLOB 'charts/*' OR name GLOB 'iamguarded-charts/*') ORDER BY name",
    )
    .flatMap(({ id }) => findRepositoryById(tx, String(id)) ?? []);
  const chartImageBindings = charts.flatMap((repository) => {
    const tag = newestTag(tx, repository);
    const chart = tag === undefined ? undefined : chartOf(tx, repository, tag, readBlob);
    const reference = chart?.images.find((image) =>
      sourcesOfImages(tx, repository, [image]).some((found) => found.id === original),
    );
    if (reference === undefined) return [];
    const chartRepo = repository.name.slice(repository.name.lastIndexOf('/') + 1);
    return [{ chartRepo, requirement: wireRequirement(reference.requirement) }];
  });
  return { chartImageBindings: chartImageBindings.sort((a, b) => (a.chartRepo < b.chartRepo ? -1 : 1)) };
}

function chartOf(tx: Tx, repository: Repository, reference: string, readBlob: ReadBlob): ChartArchive | undefined {
  const [image] = imagesOf(tx, repository, reference, readBlob);
  const layer = image?.manifest.layers.find(({ mediaType }) => mediaType === chartContentType);
  const archive = layer && readBlob(layer.digest);
  return archive && readChart(archive);
}

/** Repositories beside the chart that its references name: `cgr.dev/<organization>/<repository>:…`. */
function sourcesOfImages(tx: Tx, chart: Repository, images: readonly ChartImageReference[]): Repository[] {
  const found = new Map<string, Repository>();
  for (const { image } of images) {
    const path = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
    const [, , ...words] = path.split('/');
    const repository = findRepository(tx, chart.organization, words.join('/'));
    if (repository !== undefined) found.set(repository.id, repository);
  }
  return [...found.values()];
}

function adopt(
  tx: Tx,
  destination: { readonly id: string; readonly name: string },
  source: Repository,
  dryRun: boolean,
): RegistryAddChartResult {
  const { name } = source;
  const existing = findRepository(tx, destination, name);
  if (existing !== undefined) return { name, created: false, id: existing.id };
  if (dryRun) return { name, created: true };
  const { readme, description } = attributesOf(findRepo(tx, source.id));
  const attributes = {
    ...(readme === undefined ? {} : { readme }),
    ...(description === undefined ? {} : { description }),
    sync_config: { source: source.id },
  };
  const { id } = createRepository(tx, destination, name, { attributes });
  copyFromSource(tx, id);
  return { name, created: true, id };
}

function newestTag(tx: Tx, repository: Repository): string | undefined {
  const row = tx.get(
    "SELECT name FROM tags WHERE repo = ? AND digest <> '' AND name NOT GLOB 'sha256-*' ORDER BY updated_at DESC, name DESC LIMIT 1",
    repository.id,
  );
  return row === undefined ? undefined : String(row['name']);
}

function isReadable(tx: Tx, caller: Caller, repository: Repository): boolean {
  return repository.public || hasCapabilities(tx, caller, ['repo.list', 'manifest.list'], repository.id);
}

function wireRequirement(requirement: ChartImageReference['requirement']): string {
  if (requirement === undefined) return 'REQUIREMENT_UNSPECIFIED';
  return requirement === 'required' ? 'REQUIREMENT_REQUIRED' : 'REQUIREMENT_OPTIONAL';
}

function text(value: unknown): string {
  return value === undefined || value === null || typeof value === 'object' ? '' : String(value);
}
