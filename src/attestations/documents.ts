// Bills of materials as documents: SPDX 2 and CycloneDX in JSON are read, SPDX 3 and the tag-value form are named.
// Guarantees: entries come one by one, in the document's order; the image itself and its layers are no packages.

import { JsonScanner, type Plan } from './json-scanner.ts';
import { whole } from './json-sinks.ts';
import { readPackageUrl } from './package-url.ts';

export type BomFormat = 'spdx' | 'cyclonedx' | 'spdx-3' | 'spdx-tag-value' | 'unknown';

export interface Package {
  /** In its document. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** Package URL. */
  readonly purl: string;
  /** `apk`, `npm`, … */
  readonly type: string;
  /** Source package it was built from; empty when the document does not say. */
  readonly origin: string;
  /** SPDX expression or name; empty when unknown. */
  readonly license: string;
  readonly description: string;
}

/** Edge of a document in SPDX's words. */
export interface Relationship {
  readonly from: string;
  readonly type: string;
  readonly to: string;
}

/** Facts that a document states about itself. */
export interface DocumentFacts {
  readonly format: BomFormat;
  /** `2.3`, `1.6`; empty when it does not say. */
  readonly version: string;
  readonly name: string;
  /** Creators, in SPDX's form `Tool: syft-1.0`. */
  readonly creators: readonly string[];
  /** RFC 3339; undefined when it does not say. */
  readonly created: string | undefined;
}

export interface EntryListener {
  readonly package?: ((entry: Package) => void) | undefined;
  readonly relationship?: ((edge: Relationship) => void) | undefined;
}

/** Bytes of one entry, one head; what is larger was made to harm. */
const maxEntryBytes = 4 * 1024 * 1024;

export const unknownDocument: DocumentFacts = {
  format: 'unknown',
  version: '',
  name: '',
  creators: [],
  created: undefined,
};

/** Gathers what a document says of itself; `facts` once it was read. */
export function factsPlan(): { readonly plan: Plan; facts(): DocumentFacts } {
  const head: Record<string, unknown> = {};
  const keep = (name: string) =>
    whole(maxEntryBytes, (value) => {
      head[name] = value;
    });
  return {
    plan: {
      spdxVersion: keep('spdxVersion'),
      '@context': keep('context'),
      bomFormat: keep('bomFormat'),
      specVersion: keep('specVersion'),
      name: keep('name'),
      creationInfo: keep('creationInfo'),
      metadata: keep('metadata'),
    },
    facts() {
      const { spdxVersion, context, bomFormat, specVersion } = head;
      if (typeof spdxVersion === 'string') {
        const { created, creators } = fields(head['creationInfo']);
        return {
          format: spdxVersion.startsWith('SPDX-2') ? 'spdx' : 'spdx-3',
          version: spdxVersion.replace(/^SPDX-/, ''),
          name: textOf(head['name']),
          creators: list(creators).filter((one): one is string => typeof one === 'string'),
          created: typeof created === 'string' ? created : undefined,
        };
      }
      if (/spdx\.org\/rdf\/3/.test([context].flat().map(String).join(' '))) {
        const version = /rdf\/(3[0-9.]*[0-9])/.exec(String(context))?.[1] ?? '3';
        return { format: 'spdx-3', version, name: '', creators: [], created: undefined };
      }
      if (bomFormat === 'CycloneDX') {
        const { component, timestamp, tools } = fields(head['metadata']);
        const named = Array.isArray(tools) ? tools : list(fields(tools)['components']);
        return {
          format: 'cyclonedx',
          version: textOf(specVersion),
          name: textOf(fields(component)['name']),
          creators: named
            .map(fields)
            .map((tool) => `Tool: ${[tool['name'], tool['version']].filter(Boolean).join('-')}`),
          created: typeof timestamp === 'string' ? timestamp : undefined,
        };
      }
      return { ...unknownDocument, name: textOf(head['name']) };
    },
  };
}

/** Reads the entries of a document whose format is known. */
export function entriesPlan(format: BomFormat, { package: add, relationship }: EntryListener): Plan {
  const each = (take: ((entry: Fields) => void) | undefined): Plan =>
    take === undefined ? {} : { '*': whole(maxEntryBytes, (value) => take(fields(value))) };
  if (format === 'cyclonedx') {
    return {
      components: each(add && ((entry) => walkComponents(entry, add))),
      dependencies: each(
        relationship &&
          ((entry) => {
            for (const to of list(entry['dependsOn'])) {
              relationship({ from: textOf(entry['ref']), type: 'DEPENDS_ON', to: textOf(to) });
            }
          }),
      ),
    };
  }
  return {
    packages: each(
      add &&
        ((entry) => {
          const found = spdxPackage(entry);
          if (found !== undefined) add(found);
        }),
    ),
    relationships: each(
      relationship &&
        ((edge) =>
          relationship({
            from: textOf(edge['spdxElementId']),
            type: textOf(edge['relationshipType']),
            to: textOf(edge['relatedSpdxElement']),
          })),
    ),
  };
}

/**
 * Returns the packages of a document that is there as a whole; undefined when it is no bill of materials that is read.
 */
export function packagesIn(text: string): readonly Package[] | undefined {
  const bytes = Buffer.from(text);
  const read = (plan: Plan): void => {
    const scanner = new JsonScanner(plan);
    scanner.push(bytes);
    scanner.end();
  };
  const found: Package[] = [];
  try {
    const { plan, facts } = factsPlan();
    read(plan);
    const { format } = facts();
    if (format !== 'spdx' && format !== 'cyclonedx') return undefined;
    read(entriesPlan(format, { package: (one) => found.push(one) }));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return found;
}

function spdxPackage(entry: Fields): Package | undefined {
  const reference = list(entry['externalRefs'])
    .map(fields)
    .find((one) => one['referenceType'] === 'purl');
  const declared = textOf(entry['licenseDeclared']);
  return toPackage({
    id: textOf(entry['SPDXID']),
    name: textOf(entry['name']),
    version: textOf(entry['versionInfo']),
    purl: reference?.['referenceLocator'],
    origin: /^built from (\S+)$/.exec(textOf(entry['sourceInfo']))?.[1] ?? '',
    license: declared === 'NOASSERTION' || declared === 'NONE' ? '' : declared,
    description: textOf(entry['description']),
  });
}

/** A component may hold others. */
function walkComponents(entry: Fields, add: (found: Package) => void): void {
  const waiting = [entry];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const licenses = list(next['licenses'])
      .map(fields)
      .map(
        (one) =>
          textOf(one['expression']) || textOf(fields(one['license'])['id']) || textOf(fields(one['license'])['name']),
      );
    const found = toPackage({
      id: textOf(next['bom-ref']),
      name: textOf(next['name']),
      version: textOf(next['version']),
      purl: next['purl'],
      origin: '',
      license: licenses.filter((one) => one !== '').join(' AND '),
      description: textOf(next['description']),
    });
    if (found !== undefined) add(found);
    waiting.push(...list(next['components']).map(fields).reverse());
  }
}

function toPackage(entry: Omit<Package, 'purl' | 'type'> & { readonly purl: unknown }): Package | undefined {
  const { purl } = entry;
  if (typeof purl !== 'string') return undefined;
  const { type, qualifiers } = readPackageUrl(purl);
  if (type === '' || type === 'oci') return undefined;
  return { ...entry, purl, type, origin: qualifiers['origin'] ?? entry.origin };
}

type Fields = Readonly<Record<string, unknown>>;
const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
