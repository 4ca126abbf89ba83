// The agent of one cluster: gives it the platform's policies, tells the platform what runs there, looks again at what
// runs, and decides about what wants to run. Guarantees: works with the rights of its service account alone; the API
// server, the platform and a registry may go away and come back; an object is never let in because something of ours
// failed, unless the cluster says so.

import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { createKubernetesClient, type KubernetesAccess, type KubernetesObject } from '../../kubernetes/client.ts';
import { follow, sleep } from '../../kubernetes/follow.ts';
import { readPolicy } from '../policy/document.ts';
import { type ImageReference, normalForm } from '../policy/globs.ts';
import type { Policy } from '../policy/types.ts';
import type { Repository, Surroundings } from '../verify/surroundings.ts';
import { trustRootFrom } from '../verify/trust-roots.ts';
import { type Question, type Verdict, verify, type Workload } from '../verify/verify.ts';
import { makeCertificate } from '../webhook/certificate.ts';
import { type AdmissionRequest, type Decider, mutate, podSpecOf, validate, workloadOf } from '../webhook/review.ts';
import { startWebhook } from '../webhook/server.ts';
import { type CloudLoginAnswer, createCloudLogins } from './cloud-logins.ts';
import { distribute, type GivenPolicy, policiesPath, policyIdKey, policyVersionKey } from './distribution.ts';
import { googleKeyLogin } from './google-key.ts';
import { createInventory, recordPath } from './inventory.ts';
import { Mirror, type ReportSink } from './mirror.ts';
import { type Login, loginFrom, pullSecretsOf } from './pull-secrets.ts';
import { keepWebhook, namesOf, type WebhookPlace } from './webhook-place.ts';

export interface AgentOptions {
  readonly kubernetes: KubernetesAccess;
  readonly platform: ReportSink & {
    policies(): Promise<{ readonly profiles: readonly string[]; readonly policies: readonly GivenPolicy[] }>;
    /** A login for a registry of the group's cloud account. */
    cloudLogin(registry: string): Promise<CloudLoginAnswer>;
  };
  /** One repository, read as anybody may, else with the login, which is asked for only then. */
  readonly openRepository: (
    place: { registry: string; repository: string },
    login: () => Promise<Login | undefined>,
    signal: AbortSignal,
  ) => Repository;
  /** That of the authority at `url`, where its platform is trusted; else that of sigstore on this machine. */
  readonly trustRoot: (url: string | undefined) => Promise<object | undefined>;
  readonly rules: Pick<Surroundings, 'download' | 'runRule'>;
  readonly agentVersion: string;
  readonly webhook: {
    readonly place: WebhookPlace;
    /** Address that is listened on for that, all there are without one, and the port; 0 for whatever is free. */
    readonly listen: string | undefined;
    readonly port: number;
  };
  readonly log: (line: string) => void;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

const trustRootsPath = '/apis/policy.sigstore.dev/v1alpha1/trustroots';
const resyncMs = 10_000;
const reportMs = 2_000;
/** A verdict that let something in counts this long for the next object with the image; one that did not, a moment. */
const goodForMs = 60_000;
const badForMs = 3_000;
/** Images looked at again in one round. */
const concurrency = 8;

interface KnownPolicy {
  readonly policy: Policy;
  readonly id: string;
  readonly version: string;
}

/** Resolves when the signal is aborted and everything has ended. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { signal, now } = options;
  // Every watch and every request of it listens.
  setMaxListeners(0, signal);
  const client = createKubernetesClient(options.kubernetes);
  const mirror = new Mirror();
  const policies = new Map<string, KnownPolicy>();
  const unreadable = new Set<string>();
  let policiesAt = 0;
  /** Until the cluster has told its policies, nobody can say that none is about an image. */
  let knowsPolicies = false;
  let profiles: readonly string[] = ['observer'];
  let failsOpen = false;
  let noMatch: Decider['noMatch'] = 'deny';
  let webhookWorks = false;
  const said = new Map<string, string>();
  /** Says a thing once until it changes. */
  const note = (about: string, line: string): void => {
    if (said.get(about) === line) return;
    said.set(about, line);
    if (line !== '') options.log(line);
  };

  const cloudLogin = createCloudLogins((registry) => options.platform.cloudLogin(registry), now, note);
  const loginOf = async (
    registry: string,
    namespace: string | undefined,
    spec: object | undefined,
    named: readonly string[],
  ) => {
    const system = named.map((name) => ({ namespace: 'cosign-system', name }));
    const beside = namespace === undefined ? [] : named.map((name) => ({ namespace, name }));
    const own =
      namespace === undefined
        ? []
        : await pullSecretsOf(client, namespace, spec as Record<string, unknown> | undefined);
    const given = await loginFrom(client, registry, [...system, ...beside, ...own]);
    return given ?? (await googleKeyLogin(client, registry)) ?? cloudLogin(registry);
  };

  const surroundingsFor = (
    namespace: string | undefined,
    spec: object | undefined,
    limit: AbortSignal,
  ): Surroundings => ({
    repository: (place, pullSecrets) =>
      options.openRepository(place, () => loginOf(place.registry, namespace, spec, pullSecrets), limit),
    async secret(name, place = 'cosign-system') {
      const secret = await client.get(`/api/v1/namespaces/${place}/secrets/${name}`);
      const data = secret?.['data'] as Readonly<Record<string, string>> | undefined;
      return (
        data &&
        Object.fromEntries(
          Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
        )
      );
    },
    async configMap(name, place = 'cosign-system') {
      const map = await client.get(`/api/v1/namespaces/${place}/configmaps/${name}`);
      return map?.['data'] as Readonly<Record<string, string>> | undefined;
    },
    async trustRoot(name, url) {
      if (name === undefined) return options.trustRoot(url);
      const found = await client.get(`${trustRootsPath}/${name}`);
      return found === undefined ? undefined : trustRootFrom(name, found['spec']);
    },
    ...options.rules,
    now,
  });

  const verdicts = new Map<string, { readonly until: number; readonly verdict: Promise<Verdict> }>();
  const decide = (
    image: ImageReference & { readonly digest: string },
    given: string,
    workload: Workload | undefined,
    object: Question['object'],
    around: Surroundings,
    isFresh: boolean,
  ): Promise<Verdict> => {
    const all = [...policies.values()].map(({ policy }) => policy);
    const matters = all.some(({ match }) => match.length > 0) ? workload : undefined;
    const asked = all.some(({ policy }) => policy?.needs.some((part) => part !== 'config')) ? object : undefined;
    const key = JSON.stringify([given, normalForm(image), policiesAt, matters, asked]);
    const known = verdicts.get(key);
    if (!isFresh && known !== undefined && known.until > now()) return known.verdict;
    const verdict = verify({ image, given, workload, object }, all, around);
    if (verdicts.size > 20_000) verdicts.clear();
    verdicts.set(key, { until: now() + badForMs, verdict });
    verdict.then(
      (found) => {
        const isGood = found.policies.length > 0 && found.policies.every(({ result }) => result === 'PASS');
        verdicts.set(key, { until: now() + (isGood ? goodForMs : badForMs), verdict });
      },
      () => verdicts.delete(key),
    );
    return verdict;
  };

  const resolved = new Map<string, { readonly until: number; readonly digest: Promise<string | undefined> }>();
  const resolve = (image: ImageReference, around: Surroundings): Promise<string | undefined> => {
    const key = `${image.registry}/${image.repository}:${image.tag ?? 'latest'}`;
    const known = resolved.get(key);
    if (known !== undefined && known.until > now()) return known.digest;
    const digest = around
      .repository(image, [])
      .manifest(image.tag ?? 'latest')
      .then((manifest) => manifest?.digest);
    resolved.set(key, { until: now() + 5_000, digest });
    digest.catch(() => resolved.delete(key));
    return digest;
  };

  const inventory = createInventory(mirror, (image, pod) =>
    resolve(image, surroundingsFor(pod.metadata.namespace, pod['spec'] as object, signal)),
  );

  const takePolicy = (object: KubernetesObject): void => {
    const { name, annotations = {}, resourceVersion } = object.metadata;
    const before = policies.get(name)?.id;
    try {
      const text = JSON.stringify({
        apiVersion: object.apiVersion ?? 'policy.sigstore.dev/v1beta1',
        kind: 'ClusterImagePolicy',
        metadata: { name },
        spec: object['spec'],
      });
      const { policy } = readPolicy(text);
      policies.set(name, {
        policy,
        id: annotations[policyIdKey] ?? name,
        version: annotations[policyVersionKey] ?? resourceVersion,
      });
      unreadable.delete(name);
    } catch (error) {
      policies.delete(name);
      unreadable.add(name);
      note(`policy ${name}`, `policy ${name} of the cluster cannot be read: ${(error as Error).message}`);
    }
    if (before !== undefined && before !== policies.get(name)?.id) dropResults(mirror, inventory.images.keys(), before);
    policiesAt += 1;
  };

  /** Results and signatures of one running image. */
  const lookAgain = async (name: string): Promise<void> => {
    const running = inventory.images.get(name);
    const [pod] = running?.pods.values() ?? [];
    if (running === undefined || pod === undefined) return;
    const around = surroundingsFor(pod.metadata.namespace, pod['spec'] as object, signal);
    const workload = { group: '', version: 'v1', resource: 'pods', labels: pod.metadata.labels ?? {} };
    const object = objectParts(pod, { apiVersion: 'v1', kind: 'Pod' });
    const { policies: results } = await decide(running.image, running.given, workload, object, around, true);
    const checked = new Date(now()).toISOString();
    const path = recordPath(name);
    for (const [policyName, { id, version }] of policies) {
      const found = results.find((one) => one.name === policyName);
      const at = [...path, ['result', id] as const];
      if (found === undefined) {
        if (mirror.has(at)) mirror.remove(at);
        continue;
      }
      mirror.set(at, policyName, {
        policyId: id,
        version,
        result: found.result,
        diagnostic: found.messages.join('\n'),
        // To the minute: what was found again as it was is no news.
        lastChecked: `${checked.slice(0, 16)}:00Z`,
        parentType: 'RECORD',
      });
    }
    const signers = results.flatMap(({ authorities }) => authorities.flatMap(({ signatures }) => signatures));
    for (const { id, identity, predicateType } of signers) {
      mirror.set([...path, ['signature', id]], id, {
        ...(predicateType === undefined ? {} : { predicateType }),
        ...(identity === undefined ? { key: {} } : { keyless: identity }),
      });
    }
    mirror.set(path, name, signers.length === 0 ? {} : { lastRefreshed: { sig: `${checked.slice(0, 16)}:00Z` } });
  };

  const certificate = makeCertificate(namesOf(options.webhook.place), now());
  // Lower case: the API server takes nothing else in the path behind a Service.
  const secret = randomBytes(24).toString('hex');
  const deciderFor = (limit: AbortSignal): Decider => ({
    policies: [...policies.values()].map(({ policy }) => policy),
    unreadable: [...unreadable],
    noMatch,
    async resolve(image, request) {
      const around = surroundingsFor(request.namespace, podSpecOf(request, request.object), limit);
      const digest = await resolve(image, around);
      if (digest === undefined) return undefined;
      // The API server asks for the verdict next: it begins before.
      const whole = { ...image, digest };
      decideOf(whole, normalForm(whole), request, limit).catch(() => undefined);
      return digest;
    },
    verify: (image, given, request) => decideOf(image, given, request, limit),
  });
  const decideOf = (
    image: ImageReference & { readonly digest: string },
    given: string,
    request: AdmissionRequest,
    limit: AbortSignal,
  ): Promise<Verdict> =>
    decide(
      image,
      given,
      workloadOf(request),
      objectParts(request.object ?? {}, typeOf(request)),
      surroundingsFor(request.namespace, podSpecOf(request, request.object), limit),
      false,
    );
  const anySignal = (limit: AbortSignal): AbortSignal => AbortSignal.any([signal, limit]);
  const webhook = await startWebhook({
    certificate,
    address: options.webhook.listen,
    port: options.webhook.port,
    secret,
    mutate: (request, limit) => mutate(request, deciderFor(anySignal(limit))),
    async validate(request, limit) {
      if (!knowsPolicies) throw new Error('the policies of the cluster were not read yet; try again');
      const response = await validate(request, deciderFor(anySignal(limit)));
      tellAdmission(mirror, request, response);
      return response;
    },
    failsOpen: () => failsOpen,
    onError: (error) => options.log(`webhook: ${error instanceof Error ? error.message : String(error)}`),
  });

  /** Points the webhook here, again whenever somebody applied the manifests anew. */
  const keepAddress = async (): Promise<void> => {
    if (profiles.includes('enforcer')) {
      const { place } = options.webhook;
      const kept = await keepWebhook(client, {
        place,
        port: webhook.port,
        secret,
        certificate: certificate.certificate,
      });
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
        if (!signal.aborted) note(about, `${about}: ${error instanceof Error ? error.message : String(error)}`);
      }
      await sleep(ms, signal);
    }
  };

  const version = (await client.get('/version'))?.['gitVersion'];
  const facts = {
    agentVersion: options.agentVersion,
    version: typeof version === 'string' ? version : '',
    active: () => (webhookWorks ? ['observer', 'enforcer'] : ['observer']),
  };
  const followers = followed.map(([path, kind, apiVersion]) =>
    follow(
      client,
      path,
      {
        upsert(object) {
          if (kind === 'Namespace') inventory.namespace(object);
          else if (kind === 'Node') inventory.node(object);
          else if (kind === 'ClusterImagePolicy') takePolicy(object);
          else inventory.workload(object, kind, apiVersion);
        },
        remove(object) {
          if (kind === 'Namespace') inventory.removeNamespace(object);
          else if (kind === 'Node') inventory.removeNode(object);
          else if (kind === 'ClusterImagePolicy') {
            const { name } = object.metadata;
            const known = policies.get(name);
            policies.delete(name);
            unreadable.delete(name);
            if (known !== undefined) dropResults(mirror, inventory.images.keys(), known.id);
            policiesAt += 1;
          } else inventory.removeWorkload(object);
        },
        ready() {
          if (kind === 'ClusterImagePolicy') knowsPolicies = true;
          note(path, '');
        },
        failed: (error) => note(path, `${path}: ${error instanceof Error ? error.message : String(error)}`),
      },
      signal,
    ),
  );
  options.log(
    `the agent watches ${options.kubernetes.server}, and its webhook listens on ${options.webhook.listen ?? '*'}:${webhook.port}`,
  );
  await Promise.all([
    ...followers,
    every('policies', resyncMs, async () => {
      const given = await options.platform.policies();
      const isChanged = given.profiles.join() !== profiles.join();
      profiles = given.profiles;
      if (isChanged) await keepAddress();
      for (const problem of await distribute(client, given.policies)) note(problem, problem);
    }),
    every('webhook', resyncMs, keepAddress),
    every('images', resyncMs, async () => {
      const names = [...inventory.images.keys()];
      for (let at = 0; at < names.length && !signal.aborted; at += concurrency) {
        const some = names.slice(at, at + concurrency);
        const done = await Promise.allSettled(some.map((name) => lookAgain(name)));
        const failed = done.find((one) => one.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      }
    }),
    every('report', reportMs, () =>
      mirror.flush(options.platform, facts, [...inventory.images.keys()].map(recordPath)),
    ),
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

/** A policy that went has no verdict about anything; what it said would flag an image for good. */
export function dropResults(mirror: Pick<Mirror, 'has' | 'remove'>, images: Iterable<string>, policyId: string): void {
  for (const image of images) {
    const at = [...recordPath(image), ['result', policyId] as const];
    if (mirror.has(at)) mirror.remove(at);
  }
}

/** Returns what rules may ask for of an object. */
const objectParts = (
  { spec, metadata }: { readonly spec?: unknown; readonly metadata?: unknown },
  typemeta: object,
): Question['object'] => ({ spec, metadata, typemeta });

const typeOf = ({ kind: { group, version, kind } }: AdmissionRequest) => ({
  apiVersion: group === '' ? version : `${group}/${version}`,
  kind,
});

/**
 * Denials are events; what is let in is seen in records. Specifications hold secrets in variables, so they stay out.
 */
function tellAdmission(
  mirror: Mirror,
  request: AdmissionRequest,
  response: { allowed: boolean; status?: object },
): void {
  if (response.allowed) return;
  const { uid, kind, namespace, name, operation } = request;
  mirror.tell({
    type: 'dev.chainguard.admission.v1',
    subject: [namespace, name ?? request.object?.metadata?.name].filter(Boolean).join('/'),
    body: {
      request: { uid, kind, namespace, name, operation },
      response: { allowed: response.allowed, status: response.status },
    },
  });
}
