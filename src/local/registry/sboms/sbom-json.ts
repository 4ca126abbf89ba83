// Parts of bills of materials as the API writes them.

import type { RegistryPkgMetadata } from '../../../api/schema/types/registry.gen.ts';
import type {
  TenantComponentGraphEdge,
  TenantComponentGraphEdgeType,
  TenantComponentGraphNode,
} from '../../../api/schema/types/tenant.gen.ts';
import type { Package, Relationship } from '../../../attestations/documents.ts';

const edgeTypes: Readonly<Record<string, TenantComponentGraphEdgeType>> = {
  DESCRIBES: 'DESCRIBES',
  CONTAINS: 'CONTAINS',
  DEPENDS_ON: 'DEPENDS_ON',
  GENERATED_FROM: 'GENERATED_FROM',
};

export const toNode = ({ id, name, version, license, description, purl }: Package): TenantComponentGraphNode => ({
  package: { id, name, version, license, description, purl },
});

/** Undefined for a relationship that the API has no word for. */
export function toEdge({ from, type, to }: Relationship): TenantComponentGraphEdge | undefined {
  const known = edgeTypes[type];
  return known === undefined ? undefined : { subjectId: from, predicateId: to, type: known };
}

/** `created` is when the image was, RFC 3339. */
export function toMetadata(entry: Package, created: string | undefined): RegistryPkgMetadata {
  const isSubpackage = entry.origin !== '' && entry.origin !== entry.name;
  return {
    purl: entry.purl,
    originPurl: isSubpackage ? `pkg:apk/wolfi/${entry.origin}@${entry.version}` : entry.purl,
    license: entry.license,
    ...(created === undefined ? {} : { buildTimestamp: created }),
  };
}
