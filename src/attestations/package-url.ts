// Package URLs. Guarantees: what the specification does not allow still has a type and a key of its own, so that nothing is lost.

import { PackageURL } from 'packageurl-js';

export interface PackageUrl {
  /** `apk`; empty when the text is no package URL at all. */
  readonly type: string;
  readonly version: string;
  readonly qualifiers: Readonly<Record<string, string>>;
  /** The same for two versions of one thing: type, namespace, name, `arch` and subpath. */
  readonly key: string;
}

export function readPackageUrl(text: string): PackageUrl {
  try {
    const { type, namespace, name, version, qualifiers, subpath } = PackageURL.fromString(text);
    const arch = qualifiers?.['arch'] ?? '';
    return {
      type: type ?? '',
      version: version ?? '',
      qualifiers: qualifiers ?? {},
      key: [type, namespace ?? '', name, arch, subpath ?? ''].join('\n'),
    };
  } catch {
    // Bills of materials hold many that break a rule: `pkg:maven/name-without-namespace`, `pkg:golang/x@v1@v2`.
    const [, type = '', rest = ''] = /^pkg:\/*([a-z][a-z0-9.+-]*)\/(.+)$/is.exec(text) ?? [];
    const [, path = '', version = '', query = '', subpath = ''] =
      /^([^?#]*?)(?:@([^/?#]*))?(?:\?([^#]*))?(?:#(.*))?$/s.exec(rest) ?? [];
    const qualifiers = Object.fromEntries(new URLSearchParams(query));
    const lower = type.toLowerCase();
    const key = [lower, '', path, qualifiers['arch'] ?? '', subpath].join('\n');
    return { type: lower, version: decoded(version), qualifiers, key };
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
