// The engine: what the policies say of an image. One for admission, for what runs already, and for the preview.
// Guarantees: every policy that covers the image must pass; within one, one authority is enough; what cannot be decided
// does not pass; nothing is decided about an image without a digest.

import { coveringGlob, type ImageReference, normalForm } from '../policy/globs.ts';
import type { LabelSelector, Policy } from '../policy/types.ts';
import { judgeAuthority, type SignedCache } from './authorities.ts';
import type { AuthorityVerdict } from './found.ts';
import { breach, findings, type Subject } from './rules.ts';
import type { Surroundings } from './surroundings.ts';

/** Workload that runs the image; undefined where only the image is asked about. */
export interface Workload {
  readonly group: string;
  readonly version: string;
  /** `pods`, `deployments`. */
  readonly resource: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PolicyVerdict {
  readonly name: string;
  readonly result: 'PASS' | 'WARN' | 'FAIL';
  /** One text for each authority that did not hold; empty for PASS. */
  readonly messages: readonly string[];
  readonly authorities: readonly AuthorityVerdict[];
  /** The glob that covers the image. */
  readonly glob: string;
}

export interface Verdict {
  /** `host/repository@sha256:…`. */
  readonly image: string;
  /** Of the policies that cover it, by name; empty when none does. */
  readonly policies: readonly PolicyVerdict[];
}

export interface Question {
  readonly image: ImageReference & { readonly digest: string };
  /** The image as the object spells it. */
  readonly given: string;
  readonly workload?: Workload | undefined;
  /** Parts of the object that a policy's rule may ask for. */
  readonly object?: Omit<Subject, 'image'> | undefined;
}

/** Throws what the surroundings throw: a registry that does not answer is no verdict. */
export async function verify(question: Question, policies: readonly Policy[], around: Surroundings): Promise<Verdict> {
  const cache: SignedCache = new Map();
  const covering = policies.flatMap((policy) => {
    const glob = isAbout(policy, question.workload)
      ? coveringGlob(policy.globs, question.image, question.given)
      : undefined;
    return glob === undefined ? [] : [{ policy, glob }];
  });
  const verdicts = await Promise.all(covering.map(({ policy, glob }) => judge(policy, glob, question, around, cache)));
  return { image: normalForm(question.image), policies: verdicts.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

async function judge(
  policy: Policy,
  glob: string,
  { image, object = {} }: Question,
  around: Surroundings,
  cache: SignedCache,
): Promise<PolicyVerdict> {
  const authorities = await Promise.all(policy.authorities.map((one) => judgeAuthority(one, image, around, cache)));
  const bad = policy.mode === 'warn' ? 'WARN' : 'FAIL';
  if (!authorities.some(({ isGood }) => isGood)) {
    return { name: policy.name, result: bad, messages: authorities.map(({ message }) => message), authorities, glob };
  }
  const { policy: rule } = policy;
  const reason =
    rule === undefined
      ? undefined
      : await breach(
          rule,
          'ClusterImagePolicy',
          await findings(policy, rule.needs, authorities, { image, ...object }, around),
          around,
        );
  const messages = reason === undefined ? [] : [reason];
  return { name: policy.name, result: messages.length === 0 ? 'PASS' : bad, messages, authorities, glob };
}

function isAbout({ match }: Policy, workload: Workload | undefined): boolean {
  if (match.length === 0 || workload === undefined) return true;
  return match.some(
    ({ group, version, resource, selector }) =>
      group === workload.group &&
      (version === '*' || version === workload.version) &&
      resource === workload.resource &&
      (selector === undefined || selects(selector, workload.labels)),
  );
}

function selects({ matchLabels, matchExpressions }: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const has = (key: string) => Object.hasOwn(labels, key);
  return (
    Object.entries(matchLabels).every(([key, value]) => has(key) && labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      switch (operator) {
        case 'In':
          return has(key) && values.includes(labels[key] ?? '');
        case 'NotIn':
          return !has(key) || !values.includes(labels[key] ?? '');
        case 'Exists':
          return has(key);
        default:
          return !has(key);
      }
    })
  );
}
