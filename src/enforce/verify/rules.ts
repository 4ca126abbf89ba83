// Runs CUE and Rego rules, and reads their answer (policy-controller 0.13). Guarantees: a rule that cannot be had or
// run does not hold, and its text says why.

import { createHash } from 'node:crypto';
import type { ImageReference } from '../policy/globs.ts';
import type { Policy, Rule } from '../policy/types.ts';
import type { AuthorityVerdict, Signer } from './found.ts';
import type { Repository, Surroundings } from './surroundings.ts';

/** Returns why the rule does not hold over the document; undefined when it does. `name` is how messages call it. */
export async function breach(
  rule: Rule,
  name: string,
  document: unknown,
  around: Surroundings,
): Promise<string | undefined> {
  const reason = await textOf(rule, around).then(
    (text) => around.runRule(rule.type, text, JSON.stringify(document)),
    (error: unknown) => (error instanceof MissingRule ? error.message : Promise.reject(error)),
  );
  if (reason === undefined) return undefined;
  return `failed evaluating ${rule.type} policy for ${rule.type === 'rego' ? 'type ' : ''}${name}: ${reason}`;
}

class MissingRule extends Error {}

/** Throws MissingRule. */
async function textOf({ data, configMapRef, remote }: Rule, around: Surroundings): Promise<string> {
  if (data !== undefined) return data;
  if (configMapRef !== undefined) {
    const { name, key, namespace } = configMapRef;
    const text = (await around.configMap(name, namespace))?.[key];
    if (text !== undefined) return text;
    throw new MissingRule(`there is no key ${key} in ConfigMap ${namespace ?? 'cosign-system'}/${name}`);
  }
  if (remote === undefined) throw new MissingRule('it has no text');
  const bytes = await around.download(remote.url).catch((error: unknown) => {
    throw new MissingRule(`${remote.url} cannot be had: ${error instanceof Error ? error.message : String(error)}`);
  });
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found === remote.sha256) return bytes.toString('utf8');
  throw new MissingRule(`${remote.url} has the SHA-256 ${found} and not the one that the policy names`);
}

export interface Subject {
  readonly image: ImageReference & { readonly digest: string };
  /** The object that runs it. */
  readonly spec?: unknown;
  readonly metadata?: unknown;
  readonly typemeta?: unknown;
}

/** Returns what a policy's own rule decides over (enforce.md 2). */
export async function findings(
  { authorities: rules }: Policy,
  needs: Rule['needs'],
  authorities: readonly AuthorityVerdict[],
  subject: Subject,
  around: Surroundings,
): Promise<object> {
  const matches = authorities
    .filter(({ isGood }) => isGood)
    .map((one): [string, object] => {
      const rule = rules.find(({ name }) => name === one.name);
      if (rule?.kind.kind === 'static') return [one.name, { static: true }];
      if (one.attestations.length === 0) return [one.name, { signatures: one.signatures.map(signer) }];
      const attestations = one.attestations.map(({ name, predicateType, signatures }): [string, object[]] => [
        name,
        signatures.map((found) => ({ ...signer(found), predicateType, digest: found.id })),
      ]);
      return [one.name, { attestations: Object.fromEntries(attestations) }];
    });
  const has = (part: Rule['needs'][number]) => needs.includes(part);
  const repository = around.repository(subject.image, []);
  return {
    authorityMatches: Object.fromEntries(matches),
    ...(has('config') ? { config: Object.fromEntries(await configsOf(repository, subject.image.digest)) } : {}),
    ...(has('spec') && subject.spec !== undefined ? { spec: subject.spec } : {}),
    ...(has('metadata') && subject.metadata !== undefined ? { metadata: subject.metadata } : {}),
    ...(has('typemeta') && subject.typemeta !== undefined ? { typemeta: subject.typemeta } : {}),
  };
}

const signer = ({ signatures: [signature], identity, workflow }: Signer): object => ({
  id: createHash('sha256')
    .update(signature ?? '')
    .digest('hex'),
  ...(identity === undefined ? {} : { subject: identity.subject, issuer: identity.issuer }),
  ...workflow,
});

/** Platforms of an index that are looked at. */
const mostPlatforms = 50;

/** Configurations by platform, `linux/arm/v7`. Throws what the repository throws. */
async function configsOf(repository: Repository, digest: string): Promise<[string, unknown][]> {
  const manifest = await repository.manifest(digest);
  if (manifest?.manifests !== undefined) {
    const images = manifest.manifests.filter(({ platform }) => platform?.os !== 'unknown').slice(0, mostPlatforms);
    return (await Promise.all(images.map((one) => configsOf(repository, one.digest)))).flat();
  }
  if (manifest?.config === undefined) return [];
  const config = JSON.parse((await repository.blob(manifest.config.digest)).toString('utf8')) as {
    os?: string;
    architecture?: string;
    variant?: string;
    'os.version'?: string;
  };
  const { os = '', architecture = '', variant, 'os.version': version } = config;
  const name = [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
  return [[version === undefined ? name : `${name}:${version}`, config]];
}
