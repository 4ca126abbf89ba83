// CUE and Rego rules and what objects a policy is for, out of their fields (enforce.md 2). Guarantees: whatever cannot be used is
// a sentence with its line.

import { type Fields, type Lines, problem } from './shapes.ts';
import type { ResourceMatch, Rule } from './types.ts';

export function toRule(fields: Fields, path: string, lines: Lines): Rule {
  const { type, data, configMapRef, remote, fetchConfigFile, includeSpec, includeObjectMeta, includeTypeMeta } =
    fields as {
      type?: string;
      data?: string;
      configMapRef?: { name?: string; key?: string; namespace?: string };
      remote?: { url?: string; sha256sum?: string };
    } & Record<'fetchConfigFile' | 'includeSpec' | 'includeObjectMeta' | 'includeTypeMeta', boolean | undefined>;
  if (type !== 'cue' && type !== 'rego') throw problem(lines, `${path}.type`, `${path}.type must be cue or rego`);
  if ([data, configMapRef, remote].filter((one) => one !== undefined).length !== 1) {
    throw problem(lines, path, `${path} needs exactly one of data, configMapRef and remote`);
  }
  if (configMapRef !== undefined && (!configMapRef.name || !configMapRef.key)) {
    throw problem(lines, `${path}.configMapRef`, `${path}.configMapRef needs name and key`);
  }
  if (
    remote !== undefined &&
    !(protocolOf(remote.url ?? '') === 'https:' && /^[0-9a-f]{64}$/.test(remote.sha256sum ?? ''))
  ) {
    throw problem(lines, `${path}.remote`, `${path}.remote needs an https url and its sha256sum`);
  }
  return {
    type,
    data,
    configMapRef:
      configMapRef === undefined
        ? undefined
        : { name: configMapRef.name ?? '', key: configMapRef.key ?? '', namespace: configMapRef.namespace },
    remote: remote === undefined ? undefined : { url: remote.url ?? '', sha256: remote.sha256sum ?? '' },
    needs: [
      ...(fetchConfigFile ? (['config'] as const) : []),
      ...(includeSpec ? (['spec'] as const) : []),
      ...(includeObjectMeta ? (['metadata'] as const) : []),
      ...(includeTypeMeta ? (['typemeta'] as const) : []),
    ],
  };
}

export function toMatch(fields: Fields, path: string, lines: Lines): ResourceMatch {
  const {
    group = '',
    version = '*',
    resource,
    selector,
  } = fields as {
    group?: string;
    version?: string;
    resource?: string;
    selector?: {
      matchLabels?: Record<string, string>;
      matchExpressions?: { key?: string; operator?: string; values?: string[] }[];
    };
  };
  if (!resource) throw problem(lines, path, `${path}.resource is missing, such as pods`);
  for (const { key: label, operator } of selector?.matchExpressions ?? []) {
    if (label && ['In', 'NotIn', 'Exists', 'DoesNotExist'].includes(operator ?? '')) continue;
    throw problem(
      lines,
      `${path}.selector`,
      `${path}.selector.matchExpressions needs a key and an operator of In, NotIn, Exists, DoesNotExist`,
    );
  }
  return {
    group,
    version,
    resource,
    selector:
      selector === undefined
        ? undefined
        : {
            matchLabels: selector.matchLabels ?? {},
            matchExpressions: (selector.matchExpressions ?? []).map(
              ({ key: label = '', operator = '', values = [] }) => ({
                key: label,
                operator,
                values,
              }),
            ),
          },
  };
}

export const protocolOf = (url: string): string => (URL.canParse(url) ? new URL(url).protocol : '');
