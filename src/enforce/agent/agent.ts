// The agent of one cluster: gives it the platform's policies, tells the platform what runs there, looks again at what
// runs, and decides about what wants to run. Guarantees: works with the rights of its service account alone; the API
// server, the platform and a registry may go away and come back; an object is never let in because something of ours
// failed, unless the cluster says so.

import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { createKubernetesClient, type KubernetesAccess, type KubernetesObject } from '../../kubernetes/client.ts';
import { type Follower, follow, sleep } from '../../kubernetes/follow.ts';
import { makeCertificate } from '../webhook/certificate.ts';
import type { Decider } from '../webhook/review.ts';
import { startWebhook } from '../webhook/server.ts';
import { createAdmission } from './admission.ts';
import { type CloudLoginAnswer, createCloudLogins } from './cloud-logins.ts';
import { type ClusterAccess, type Pod, surroundingsOf } from './cluster-surroundings.ts';
import { distribute, type GivenPolicy, policiesPath } from './distribution.ts';
import { dropResults, lookAgain, objectParts } from './image-results.ts';
import { createInventory, type Inventory, recordPath } from './inventory.ts';
import { KnownPolicies } from './known-policies.ts';
import { Mirror, type ReportSink } from './mirror.ts';
import { createVerdicts } from './verdicts.ts';
import { keepWebhook, namesOf, type WebhookPlace } from './webhook-place.ts';

export interface AgentOptions extends Pick<ClusterAccess, 'openRepository' | 'trustRoot' | 'rules' | 'now'> {
  readonly kubernetes: KubernetesAccess;
  readonly platform: ReportSink & {
    policies(): Promise<{ readonly profiles: readonly string[]; readonly policies: readonly GivenPolicy[] }>;
    /** A login for a registry of the group's cloud account. */
    cloudLogin(registry: string): Promise<CloudLoginAnswer>;
  };
  readonly agentVersion: string;
  readonly webhook: {
    readonly place: WebhookPlace;
    /** Address that is listened on for that, all there are without one, and the port; 0 for whatever is free. */
    readonly listen: string | undefined;
    readonly port: number;
  };
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

const resyncMs = 10_000;
const reportMs = 2_000;

/** Resolves when the signal is aborted and everything has ended. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { platform, signal, now, log } = options;
  // Every watch and every request of it listens.
  setMaxListeners(0, signal);
  const client = createKubernetesClient(options.kubernetes);
  const note = createNotes(log);
  const cloudLogin = createCloudLogins((registry) => platform.cloudLogin(registry), now, note);
  const access: ClusterAccess = { ...options, client, cloudLogin };
  const around = (pod: Pod, limit: AbortSignal) => surroundingsOf(access, pod, limit);

  const mirror = new Mirror();
  const policies = new KnownPolicies((id) => dropResults(mirror, inventory.images.keys(), id));
  const verdicts = createVerdicts(policies, now);
  const inventory: Inventory = createInventory(mirror, (image, pod) =>
    verdicts.resolve(image, around(placeOf(pod), signal)),
  );

  /** Resources whose first list was read. */
  const told = new Set<string>();
  let profiles: readonly string[] = ['observer'];
  let failsOpen = false;
  let noMatch: Decider['noMatch'] = 'deny';
  let webhookWorks = false;

  const certificate = makeCertificate(namesOf(options.webhook.place), now());
  // Lower case: the API server takes nothing else in the path behind a Service.
  const secret = randomBytes(24).toString('hex');
  const webhook = await startWebhook({
    certificate,
    address: options.webhook.listen,
    port: options.webhook.port,
    secret,
    ...createAdmission({
      policies,
      verdicts,
      surroundingsOf: around,
      noMatch: () => noMatch,
      knowsPolicies: () => told.has(policiesPath),
      mirror,
      signal,
    }),
    failsOpen: () => failsOpen,
    onError: (error) => log(`webhook: ${textOf(error)}`),
  });

  /** Points the webhook here, again whenever somebody applied the manifests anew. */
  const keepAddress = async (): Promise<void> => {
    if (profiles.includes('enforcer')) {
      const { place } = options.webhook;
      const served = { place, port: webhook.port, secret, certificate: certificate.certificate };
      const kept = await keepWebhook(client, served);
      webhookWorks = kept.works;
      failsOpen = kept.failsOpen ?? failsOpen;
    } else webhookWorks = false;
    const config = await client.get('/api/v1/namespaces/cosign-system/configmaps/config-policy-controller');
    const chosen = (config?.['data'] as { 'no-match-policy'?: string } | undefined)?.['no-match-policy'];
    noMatch = chosen === 'allow' || chosen === 'warn' ? chosen : 'deny';
  };

  const every = async (about: string, ms: number, work: () => Promise<void>): Promise<void> => {
    while (!signal.aborted) {
      try {
        await work();
        note(about, '');
      } catch (error) {
        if (!signal.aborted) note(about, `${about}: ${textOf(error)}`);
      }
      await sleep(ms, signal);
    }
  };

  const version = (await client.get('/version'))?.['gitVersion'];
  const facts = {
    agentVersion: options.agentVersion,
    version: typeof version === 'string' ? version : '',
    active: () => (webhookWorks ? ['observer', 'enforcer'] : ['observer']),
    isWhole: () => followed.every(([path]) => path === policiesPath || told.has(path)),
  };
  const followers = followed.map(([path, kind, apiVersion]) =>
    follow(
      client,
      path,
      {
        ...takerOf(kind, apiVersion, inventory, policies, note),
        ready() {
          told.add(path);
          note(path, '');
        },
        failed: (error) => note(path, `${path}: ${textOf(error)}`),
      },
      signal,
    ),
  );
  log(
    `the agent watches ${options.kubernetes.server}, and its webhook listens on ${options.webhook.listen ?? '*'}:${webhook.port}`,
  );
  const { images } = inventory;
  await Promise.all([
    ...followers,
    every('policies', resyncMs, async () => {
      const given = await platform.policies();
      const isChanged = given.profiles.join() !== profiles.join();
      profiles = given.profiles;
      if (isChanged) await keepAddress();
      for (const problem of await distribute(client, given.policies)) note(problem, problem);
    }),
    every('webhook', resyncMs, keepAddress),
    every('images', resyncMs, () =>
      lookAgain({
        mirror,
        policies,
        images,
        decide({ image, given }, pod) {
          const workload = { group: '', version: 'v1', resource: 'pods', labels: pod.metadata.labels ?? {} };
          const object = objectParts(pod, { apiVersion: 'v1', kind: 'Pod' });
          return verdicts.decide({ image, given, workload, object }, around(placeOf(pod), signal), true);
        },
        now,
        signal,
      }),
    ),
    every('report', reportMs, () => mirror.flush(platform, facts, [...images.keys()].map(recordPath))),
  ]);
  await webhook.stop();
  client.close();
}

/** Resources to watch: path, kind, version. Policies last, so that what they cover is known. */
const followed: readonly (readonly [path: string, kind: string, apiVersion: string])[] = [
  ['/api/v1/namespaces', 'Namespace', 'v1'],
  ['/api/v1/nodes', 'Node', 'v1'],
  ['/apis/apps/v1/deployments', 'Deployment', 'apps/v1'],
  ['/apis/apps/v1/replicasets', 'ReplicaSet', 'apps/v1'],
  ['/apis/apps/v1/statefulsets', 'StatefulSet', 'apps/v1'],
  ['/apis/apps/v1/daemonsets', 'DaemonSet', 'apps/v1'],
  ['/apis/batch/v1/jobs', 'Job', 'batch/v1'],
  ['/apis/batch/v1/cronjobs', 'CronJob', 'batch/v1'],
  ['/api/v1/pods', 'Pod', 'v1'],
  [policiesPath, 'ClusterImagePolicy', 'policy.sigstore.dev/v1beta1'],
];

type Note = (about: string, line: string) => void;

/** Returns what says a thing once until it changes; an empty line ends it. */
function createNotes(log: (line: string) => void): Note {
  const said = new Map<string, string>();
  return (about, line) => {
    if (said.get(about) === line) return;
    said.set(about, line);
    if (line !== '') log(line);
  };
}

function takerOf(
  kind: string,
  apiVersion: string,
  inventory: Inventory,
  policies: KnownPolicies,
  note: Note,
): Pick<Follower, 'upsert' | 'remove'> {
  switch (kind) {
    case 'Namespace':
      return { upsert: inventory.namespace, remove: inventory.removeNamespace };
    case 'Node':
      return { upsert: inventory.node, remove: inventory.removeNode };
    case 'ClusterImagePolicy':
      return {
        upsert(object) {
          const { name } = object.metadata;
          const problem = policies.take(object);
          note(
            `policy ${name}`,
            problem === undefined ? '' : `policy ${name} of the cluster cannot be read: ${problem}`,
          );
        },
        remove: ({ metadata: { name } }) => policies.remove(name),
      };
    default:
      return {
        upsert: (object) => inventory.workload(object, kind, apiVersion),
        remove: inventory.removeWorkload,
      };
  }
}

const placeOf = ({ metadata: { namespace }, spec }: KubernetesObject): Pod => ({ namespace, spec: spec as object });

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
