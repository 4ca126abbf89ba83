// Reports of agents: what is in a cluster, and what was found out about its images. Guarantees: a report that comes
// twice is done once; none is skipped without the agent being told; a run that has told everything leaves nothing of
// the runs before.

import { createHash } from 'node:crypto';
import { commonSchema } from '../../api/schema/messages/common.gen.ts';
import { iamSchema } from '../../api/schema/messages/iam.gen.ts';
import { tenantSchema } from '../../api/schema/messages/tenant.gen.ts';
import type { TenantPolicyResult } from '../../api/schema/types/tenant.gen.ts';
import { parentOf } from '../../api/uidp.ts';
import { createWire } from '../../api/wire.ts';
import { isObject } from '../../json.ts';
import { toWireTime } from '../api/wire-time.ts';
import { failedPrecondition, invalidArgument } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import { recordEvent } from '../outbox/outbox.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { factsOf } from './clusters.ts';
import { type Kind, kinds } from './mirrored.ts';

/** Path of an object below its cluster, outermost first: kind and key of each step. */
type Path = readonly (readonly [Kind, string])[];

interface Report {
  /** Names the run of the agent; its first report is number 1. */
  readonly run: string;
  readonly number: number;
  /** The run has told all there is by now. */
  readonly complete: boolean;
  readonly agentVersion: string | undefined;
  /** Of Kubernetes. */
  readonly version: string | undefined;
  /** Profiles that work. */
  readonly active: readonly string[];
  readonly upserts: readonly { readonly path: Path; readonly name: string; readonly body: Record<string, unknown> }[];
  readonly removals: readonly Path[];
  /** Keys of records that workloads still run. */
  readonly seen: readonly Path[];
  readonly events: readonly { readonly type: string; readonly subject: string; readonly body: object }[];
}

const wire = createWire(commonSchema, iamSchema, tenantSchema);
const messages: Readonly<Record<Kind, string>> = {
  namespace: 'chainguard.platform.tenant.Namespace',
  node: 'chainguard.platform.tenant.Node',
  workload: 'chainguard.platform.tenant.Workload',
  record: 'chainguard.platform.tenant.Record',
  context: 'chainguard.platform.tenant.RecordContext',
  result: 'chainguard.platform.tenant.PolicyResult',
  signature: 'chainguard.platform.tenant.Signature',
  sbom: 'chainguard.platform.tenant.Sbom2',
  vulnreport: 'chainguard.platform.tenant.VulnReport',
};

const maxChanges = 5000;
const eventTypes = ['dev.chainguard.admission.v1', 'dev.chainguard.admission.namespace.v1'];

/** Throws INVALID_ARGUMENT, or WireError of that code, naming the field. */
export function readReport(value: unknown): Report {
  const report = objectOf(value, 'report');
  const run = report['run'];
  const number = report['number'];
  if (typeof run !== 'string' || !/^[0-9A-Za-z-]{8,64}$/.test(run))
    throw invalidArgument('run must name the run of the agent');
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) {
    throw invalidArgument('number must be a whole number above 0');
  }
  const upserts = listOf(report['upserts'], 'upserts').map((each) => {
    const one = objectOf(each, 'upserts');
    const path = pathOf(one['path']);
    const [kind = 'record'] = path.at(-1) ?? [];
    // Stored objects must fit the kind's message, because lists return them.
    const body = wire.decodeMessage(messages[kind], objectOf(one['body'], 'upserts.body'));
    return { path, name: textOf(one['name']), body: { ...body } };
  });
  const events = listOf(report['events'], 'events').map((each) => {
    const one = objectOf(each, 'events');
    const type = textOf(one['type']);
    if (!eventTypes.includes(type))
      throw invalidArgument(`events: ${JSON.stringify(type)} is not an event of clusters`);
    return { type, subject: textOf(one['subject']).slice(0, 1024), body: objectOf(one['body'], 'events.body') };
  });
  const removals = listOf(report['removals'], 'removals').map(pathOf);
  const seen = listOf(report['seen'], 'seen').map(pathOf);
  if (upserts.length + removals.length + seen.length + events.length > maxChanges) {
    throw invalidArgument(`a report tells at most ${maxChanges} changes`);
  }
  return {
    run,
    number,
    complete: report['complete'] === true,
    agentVersion: optionalText(report['agentVersion']),
    version: optionalText(report['version']),
    active: listOf(report['active'], 'active').map(textOf),
    upserts,
    removals,
    seen,
    events,
  };
}

/** Returns the number of the last report that was taken. */
export function applyReport(
  tx: Tx,
  cluster: SqlRow,
  report: Report,
  caller: Caller,
  apiUrl: string,
): { taken: number } {
  const id = String(cluster['id']);
  const last = cluster['report_run'] === report.run ? Number(cluster['report_number']) : 0;
  if (report.number <= last) return { taken: last };
  if (report.number !== last + 1) {
    throw failedPrecondition(`report ${report.number} came, and ${last + 1} is missing; begin a new run with number 1`);
  }
  const changesByRecord = new Map<string, Change[]>();
  for (const { path, name, body } of report.upserts) upsert(tx, id, report.run, path, name, body, changesByRecord);
  for (const path of report.removals) remove(tx, idOf(id, path));
  for (const path of report.seen) {
    tx.run('UPDATE enforce_objects SET last_seen = ?, run = ? WHERE id = ?', tx.now, report.run, idOf(id, path));
  }
  // Records stay: what ran once is what `--active-within` looks back at.
  if (report.complete) {
    tx.run(
      "DELETE FROM enforce_objects WHERE cluster = ? AND run <> ? AND kind IN ('namespace', 'node', 'workload', 'context')",
      id,
      report.run,
    );
  }
  const facts = factsOf(cluster);
  const activity = {
    ...facts.activity,
    ...Object.fromEntries(report.active.map((profile) => [profile, { profile, lastSeen: toWireTime(tx.now) }])),
  };
  const after = {
    ...facts,
    activity,
    ...(report.agentVersion === undefined ? {} : { agentVersion: report.agentVersion }),
    ...(report.version === undefined ? {} : { version: report.version }),
    status: { ready: 'Ready' },
  };
  tx.run(
    'UPDATE enforce_clusters SET last_seen = ?, facts = ?, report_run = ?, report_number = ? WHERE id = ?',
    tx.now,
    JSON.stringify(after),
    report.run,
    report.number,
    id,
  );
  const raise = (type: string, subject: string, body: object): void =>
    recordEvent(
      tx,
      {
        type,
        path: '/local/enforce/v1/clusters',
        subject,
        group: parentOf(id),
        extensions: { group: parentOf(id), cluster: id },
        body: body as Record<string, unknown>,
        audience: 'customer',
      },
      caller,
      apiUrl,
    );
  for (const { type, subject, body } of report.events) raise(type, subject, { cluster_id: id, ...body });
  for (const [record, changes] of changesByRecord) {
    const row = tx.get('SELECT name FROM enforce_objects WHERE id = ?', record);
    const policies = Object.fromEntries(changes.map(({ policy, ...change }) => [policy, change]));
    raise('dev.chainguard.policy.validation.changed.v1', String(row?.['name'] ?? record), {
      cluster_id: id,
      image_id: record,
      last_seen: toWireTime(tx.now),
      policies,
    });
  }
  return { taken: report.number };
}

interface Change {
  readonly policy: string;
  readonly change: 'new' | 'degraded' | 'improved';
  readonly valid: boolean;
  readonly diagnostic: string;
  readonly last_checked: string;
}

function upsert(
  tx: Tx,
  cluster: string,
  run: string,
  path: Path,
  name: string,
  body: Record<string, unknown>,
  changesByRecord: Map<string, Change[]>,
): void {
  const [kind, key] = path.at(-1) ?? ['record', ''];
  const id = idOf(cluster, path);
  if (kind === 'result') noteChange(tx, id, name, body, changesByRecord);
  tx.run(
    `INSERT INTO enforce_objects (id, parent, cluster, kind, key, name, body, last_seen, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, body = excluded.body, last_seen = excluded.last_seen, run = excluded.run`,
    id,
    parentOf(id),
    cluster,
    kind,
    key,
    name,
    JSON.stringify({ ...body, name, ...(kind === 'record' ? { image: name, cluster } : { remoteId: key }) }),
    tx.now,
    run,
  );
}

/** Results about records tell whoever listens, once for each that is new or turned. */
function noteChange(
  tx: Tx,
  id: string,
  name: string,
  body: TenantPolicyResult,
  changesByRecord: Map<string, Change[]>,
): void {
  if (body.parentType !== 'RECORD') return;
  const row = tx.get('SELECT body FROM enforce_objects WHERE id = ?', id);
  const before = row === undefined ? undefined : (JSON.parse(String(row['body'])) as TenantPolicyResult);
  if (before?.result === body.result) return;
  const rank = (result: string | undefined): number => ['PASS', 'WARN', 'FAIL'].indexOf(result ?? '');
  const change = before === undefined ? 'new' : rank(body.result) > rank(before.result) ? 'degraded' : 'improved';
  const record = parentOf(id);
  const one: Change = {
    policy: name,
    change,
    valid: body.result === 'PASS',
    diagnostic: body.diagnostic ?? '',
    last_checked: body.lastChecked ?? toWireTime(tx.now),
  };
  changesByRecord.set(record, [...(changesByRecord.get(record) ?? []), one]);
}

function remove(tx: Tx, id: string): void {
  // `0` follows `/` in ASCII.
  tx.run('DELETE FROM enforce_objects WHERE id = ? OR (id >= ? AND id < ?)', id, `${id}/`, `${id}0`);
}

/** The same for the same thing in every report, so that nobody has to remember ids. */
function idOf(cluster: string, path: Path): string {
  const steps = path.map(([kind, key]) => createHash('sha256').update(`${kind}\n${key}`).digest('hex').slice(0, 16));
  return [cluster, ...steps].join('/');
}

function pathOf(value: unknown): Path {
  const path = listOf(value, 'path').map((step) => {
    const [kind, key] = listOf(step, 'path').map(textOf);
    if (kind === undefined || !Object.hasOwn(kinds, kind))
      throw invalidArgument(`path: ${JSON.stringify(kind)} is not a kind`);
    if (key === undefined || key === '' || key.length > 512)
      throw invalidArgument('path: a key is missing or too long');
    return [kind as Kind, key] as const;
  });
  if (path.length === 0 || path.length > 4) throw invalidArgument('path has 1 to 4 steps');
  return path;
}

function objectOf(value: unknown, field: string): Record<string, unknown> {
  if (isObject(value)) return value;
  throw invalidArgument(`${field} must be an object`);
}

function listOf(value: unknown, field: string): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw invalidArgument(`${field} must be a list`);
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const optionalText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, 256) : undefined;
