import type {
  RegistryCreateDeploymentRequest,
  RegistryDeployment,
  RegistryGetDeploymentRequest,
  RegistryHelmChart,
  RegistryUpdateDeploymentRequest,
} from '../../../api/schema/types/registry.gen.ts';
import { requiredUidp } from '../../api/selection.ts';
import { alreadyExists, invalidArgument, notFound } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';
import { findRepo } from './repos.ts';

/** One for each repository, whose id is also the deployment's (semantics 2). */
export function createDeployment(
  tx: Tx,
  _caller: Caller,
  request: RegistryCreateDeploymentRequest,
): RegistryDeployment {
  const id = requiredUidp('parent_id', request.parentId);
  findRepo(tx, id);
  if (chartsOf(tx, id) !== undefined) throw alreadyExists(`${id} has a deployment already`);
  return write(tx, id, request.charts);
}

/** Replaces all charts: those left out are gone (semantics 5, PUT). */
export function updateDeployment(
  tx: Tx,
  _caller: Caller,
  request: RegistryUpdateDeploymentRequest,
): RegistryDeployment {
  const id = requiredUidp('repo_id', request.repoId);
  requireCharts(tx, id);
  return write(tx, id, request.charts);
}

export function getDeployment(tx: Tx, _caller: Caller, request: RegistryGetDeploymentRequest): RegistryDeployment {
  const id = requiredUidp('repo_id', request.repoId);
  return { id, charts: requireCharts(tx, id) };
}

function write(tx: Tx, id: string, charts: readonly RegistryHelmChart[] = []): RegistryDeployment {
  for (const [position, { repo }] of charts.entries()) {
    // Without its repository a chart cannot be found; `source` and `chart` are optional in the schema.
    if (repo === undefined || repo === '') throw invalidArgument(`charts[${position}].repo is required`);
  }
  tx.run(
    'INSERT INTO deployments (repo, charts) VALUES (?, ?) ON CONFLICT (repo) DO UPDATE SET charts = excluded.charts',
    id,
    JSON.stringify(charts),
  );
  return { id, charts: [...charts] };
}

function requireCharts(tx: Tx, id: string): RegistryHelmChart[] {
  findRepo(tx, id);
  const charts = chartsOf(tx, id);
  if (charts === undefined) throw notFound(`${id} has no deployment`);
  return charts;
}

function chartsOf(tx: Tx, id: string): RegistryHelmChart[] | undefined {
  const row = tx.get('SELECT charts FROM deployments WHERE repo = ?', id);
  return row === undefined ? undefined : (JSON.parse(String(row['charts'])) as RegistryHelmChart[]);
}
