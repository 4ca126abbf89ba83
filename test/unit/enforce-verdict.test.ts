// What policies come to: which of them are about an image and what runs it, how their authorities and rules are put together,
// and what cannot be decided. Signatures are for enforce-verify.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Authority, LabelSelector, Policy, ResourceMatch, Rule } from '../../src/enforce/policy/types.ts';
import type { Surroundings } from '../../src/enforce/verify/surroundings.ts';
import { type Verdict, verify, type Workload } from '../../src/enforce/verify/verify.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const image = { registry: 'cgr.dev', repository: 'acme/app', tag: undefined, digest };
const nothing = () => expect.fail('nothing is asked for');

const around = (more: Partial<Surroundings> = {}): Surroundings => ({
  ...{ secret: nothing, trustRoot: nothing, configMap: nothing, download: nothing, runRule: nothing, now: nothing },
  repository: () => ({ manifest: nothing, blob: nothing, referrers: nothing }),
  ...more,
});

const says = (action: 'pass' | 'fail', name: string = action): Authority => ({
  ...{ name, kind: { kind: 'static', action, message: '' } },
  ...{ sources: [], ctlog: undefined, timestamp: undefined, attestations: [] },
});
const policy = (more: Partial<Policy> = {}): Policy => ({
  ...{ name: 'policy', apiVersion: 'policy.sigstore.dev/v1beta1', mode: 'enforce', globs: ['**'], match: [] },
  ...{ authorities: [says('pass')], policy: undefined },
  ...more,
});
const rule = (more: Partial<Rule>): Rule => ({
  ...{ type: 'cue', data: undefined, configMapRef: undefined, remote: undefined, needs: [] },
  ...more,
});

const ask = (policies: readonly Policy[], more: Partial<Surroundings> = {}, workload?: Workload): Promise<Verdict> =>
  verify({ image, given: `cgr.dev/acme/app@${digest}`, workload }, policies, around(more));
const results = ({ policies }: Verdict) => policies.map(({ name, result }) => `${name} ${result}`);

describe('authorities and policies', () => {
  test.each<[what: string, authorities: readonly Authority[], result: string]>([
    ['one that holds is enough', [says('fail'), says('pass'), says('fail', 'last')], 'PASS'],
    ['none that holds is a failure', [says('fail'), says('fail', 'last')], 'FAIL'],
    ['none at all is a failure', [], 'FAIL'],
  ])('%s', async (_, authorities, result) => {
    const verdict = await ask([policy({ authorities })]);
    expect(results(verdict)).toEqual([`policy ${result}`]);
    expect(verdict.policies[0]?.messages).toHaveLength(result === 'PASS' ? 0 : authorities.length);
    expect(results(await ask([policy({ authorities, mode: 'warn' })]))).toEqual([
      `policy ${result === 'PASS' ? 'PASS' : 'WARN'}`,
    ]);
  });

  test('each that covers the image counts for itself, by name; others are not asked', async () => {
    const failing = [says('fail')];
    const verdict = await ask([
      policy({ name: 'c', globs: ['cgr.dev/acme/*'] }),
      policy({ name: 'a', globs: ['elsewhere/**', 'cgr.dev/**'], authorities: failing }),
      policy({ name: 'b', globs: ['cgr.dev/*'], authorities: failing }),
      policy({ name: 'd', globs: [], authorities: failing }),
    ]);
    expect(results(verdict)).toEqual(['a FAIL', 'c PASS']);
    expect([verdict.image, verdict.policies.map(({ glob }) => glob)]).toEqual([
      `cgr.dev/acme/app@${digest}`,
      ['cgr.dev/**', 'cgr.dev/acme/*'],
    ]);
    expect(results(await ask([]))).toEqual([]);
  });
});

describe('a policy is about', () => {
  const deployment = { group: 'apps', version: 'v1', resource: 'deployments', labels: { app: 'web', tier: '' } };
  const isAbout = async (match: readonly Partial<ResourceMatch>[], workload: Workload | undefined = deployment) =>
    results(
      await ask(
        [policy({ match: match.map((one) => ({ ...deployment, selector: undefined, ...one })) })],
        {},
        workload,
      ),
    ).length > 0;

  test.each<[what: string, match: readonly Partial<ResourceMatch>[], isAbout: boolean]>([
    ['every kind where it names none', [], true],
    ['the kind that it names', [{}], true],
    ['any version', [{ version: '*' }], true],
    ['no other group', [{ group: '' }], false],
    ['no other version', [{ version: 'v1beta1' }], false],
    ['no other resource', [{ resource: 'pods' }], false],
    ['one of the kinds that it names', [{ resource: 'pods' }, {}], true],
    ['none of them', [{ resource: 'pods' }, { group: '' }], false],
  ])('%s', async (_, match, wanted) => {
    expect(await isAbout(match)).toBe(wanted);
  });

  test('an image that nothing runs yet, whatever kinds it names', async () => {
    expect(results(await ask([policy({ match: [{ ...deployment, resource: 'pods', selector: undefined }] })]))).toEqual(
      ['policy PASS'],
    );
  });

  const expression = (key: string, operator: string, ...values: readonly string[]): Partial<LabelSelector> => ({
    matchExpressions: [{ key, operator, values }],
  });
  test.each<[what: string, selector: Partial<LabelSelector>, isAbout: boolean]>([
    ['no label', {}, true],
    ['a label', { matchLabels: { app: 'web' } }, true],
    ['a label of another value', { matchLabels: { app: 'job' } }, false],
    ['a label that is missing', { matchLabels: { team: '' } }, false],
    ['an empty label', { matchLabels: { tier: '' } }, true],
    ['two labels, one of which differs', { matchLabels: { app: 'web', tier: 'x' } }, false],
    ['a name of every object', { matchLabels: { toString: '' } }, false],
    ['In', expression('app', 'In', 'job', 'web'), true],
    ['In others', expression('app', 'In', 'job'), false],
    ['In, of a missing label', expression('team', 'In', ''), false],
    ['NotIn', expression('app', 'NotIn', 'job'), true],
    ['NotIn, of one that is in', expression('app', 'NotIn', 'job', 'web'), false],
    ['NotIn, of a missing label', expression('team', 'NotIn', 'web', ''), true],
    ['Exists', expression('tier', 'Exists'), true],
    ['Exists, of a missing label', expression('team', 'Exists'), false],
    ['DoesNotExist', expression('team', 'DoesNotExist'), true],
    ['DoesNotExist, of one that is there', expression('tier', 'DoesNotExist'), false],
    [
      'labels that fit, and an expression that does not',
      { ...expression('team', 'Exists'), matchLabels: { app: 'web' } },
      false,
    ],
    [
      'an expression that fits, and labels that do not',
      { ...expression('app', 'Exists'), matchLabels: { app: 'x' } },
      false,
    ],
  ])('objects by selector: %s', async (_, selector, wanted) => {
    expect(await isAbout([{ selector: { matchLabels: {}, matchExpressions: [], ...selector } }])).toBe(wanted);
  });
});

describe('a rule of a policy', () => {
  const text = Buffer.from('isCompliant: true');
  const sha256 = createHash('sha256').update(text).digest('hex');
  const url = 'https://rules.example/rule.cue';
  const holds = { runRule: async () => undefined };

  const verdictOf = async (given: Partial<Rule>, more: Partial<Surroundings>, mode: Policy['mode'] = 'enforce') => {
    const { policies } = await ask([policy({ policy: rule(given), mode })], more);
    return [policies[0]?.result, ...(policies[0]?.messages ?? [])].join(' ');
  };

  test.each<[what: string, given: Partial<Rule>, more: Partial<Surroundings>, wanted: string | RegExp]>([
    ['that holds', { data: 'x' }, holds, 'PASS'],
    [
      'that does not',
      { data: 'x' },
      { runRule: async () => 'it is too old' },
      /^FAIL failed evaluating cue policy for ClusterImagePolicy: it is too old$/,
    ],
    ['without a text', {}, holds, /^FAIL .*it has no text$/],
    [
      'from a ConfigMap',
      { configMapRef: { name: 'm', key: 'k', namespace: undefined } },
      { ...holds, configMap: async () => ({ k: 'x' }) },
      'PASS',
    ],
    [
      'from a ConfigMap without the key',
      { configMapRef: { name: 'm', key: 'k', namespace: undefined } },
      { ...holds, configMap: async () => ({ other: 'x' }) },
      /there is no key k in ConfigMap cosign-system\/m$/,
    ],
    [
      'from a ConfigMap that is not there',
      { configMapRef: { name: 'm', key: 'k', namespace: 'n' } },
      { ...holds, configMap: async () => undefined },
      /there is no key k in ConfigMap n\/m$/,
    ],
    ['from elsewhere', { remote: { url, sha256 } }, { ...holds, download: async () => text }, 'PASS'],
    [
      'from elsewhere that has changed',
      { remote: { url, sha256 } },
      { ...holds, download: async () => Buffer.from('isCompliant:true') },
      /not the one that the policy names$/,
    ],
    [
      'from elsewhere that does not answer',
      { remote: { url, sha256 } },
      { ...holds, download: () => Promise.reject(new Error('away')) },
      /cannot be had: away$/,
    ],
  ])('%s', async (_, given, more, wanted) => {
    expect(await verdictOf(given, more)).toMatch(wanted);
    if (wanted !== 'PASS') expect(await verdictOf(given, more, 'warn')).toMatch(/^WARN /);
  });

  test('is not asked where no authority holds, and does not make up for one', async () => {
    const one = policy({ authorities: [says('fail')], policy: rule({ data: 'x' }) });
    expect(results(await ask([one]))).toEqual(['policy FAIL']);
  });

  test('decides over what the authorities found, and over no part of the object that it does not ask for', async () => {
    const documents: object[] = [];
    const runRule: Surroundings['runRule'] = async (_, __, document) => {
      documents.push(JSON.parse(document));
      return undefined;
    };
    const object = { spec: { replicas: 1 }, metadata: { name: 'a' }, typemeta: { kind: 'Pod' } };
    for (const needs of [[], ['spec'], ['metadata'], ['typemeta']] as const) {
      const one = policy({ authorities: [says('fail'), says('pass')], policy: rule({ data: 'x', needs }) });
      await verify({ image, given: '', object }, [one], around({ runRule }));
    }
    const authorityMatches = { pass: { static: true } };
    expect(documents).toEqual([
      { authorityMatches },
      { authorityMatches, spec: object.spec },
      { authorityMatches, metadata: object.metadata },
      { authorityMatches, typemeta: object.typemeta },
    ]);
  });
});
