// Bills of materials in SPDX 2.3 JSON that this platform makes. Guarantees: `makeSpdx` lists exactly the packages
// it is given; the same input makes the same bytes.

import { createHash } from 'node:crypto';

/** One installed package, as the image's own database tells. */
export interface InstalledPackage {
  readonly name: string;
  /** With epoch, `1.29.3-r0`. */
  readonly version: string;
  /** SPDX expression; empty when unknown. */
  readonly license: string;
  /** The package it was built from; its own name unless it is a subpackage. */
  readonly origin: string;
  /** apk's word, `x86_64`. */
  readonly architecture: string;
}

export interface SpdxSubject {
  /** Repository with organization, without host. */
  readonly image: string;
  /** Digest of the image's manifest. */
  readonly digest: string;
  /** OCI's word, `amd64`. */
  readonly architecture: string;
  readonly layers: readonly string[];
  /** RFC 3339 without fraction. */
  readonly created: string;
  readonly creator: string;
}

const namespace = 'https://spdx.org/spdxdocs/chainctl-local';

export function makeSpdx(subject: SpdxSubject, packages: readonly InstalledPackage[]): Record<string, unknown> {
  const { image, digest, architecture } = subject;
  const name = image.slice(image.lastIndexOf('/') + 1);
  const root = 'SPDXRef-Image';
  const entries = [...packages].sort((a, b) => (a.name < b.name ? -1 : 1));
  const layers = subject.layers.map((layer, position) => ({ id: `SPDXRef-Layer-${position + 1}`, digest: layer }));
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `sbom-${name}-${digest.replace(':', '-')}`,
    documentNamespace: `${namespace}/${image}/${digest.replace(':', '-')}`,
    creationInfo: { created: subject.created, creators: [`Tool: ${subject.creator}`], licenseListVersion: '3.25' },
    documentDescribes: [root],
    packages: [
      {
        SPDXID: root,
        name: image,
        versionInfo: digest,
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        primaryPackagePurpose: 'CONTAINER',
        licenseConcluded: 'NOASSERTION',
        licenseDeclared: 'NOASSERTION',
        copyrightText: 'NOASSERTION',
        checksums: [checksum(digest)],
        externalRefs: [purlRef(`pkg:oci/${name}@${encodeURIComponent(digest)}?arch=${architecture}&os=linux`)],
      },
      ...layers.map((layer) => ({
        SPDXID: layer.id,
        name: layer.digest,
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        licenseConcluded: 'NOASSERTION',
        licenseDeclared: 'NOASSERTION',
        copyrightText: 'NOASSERTION',
        checksums: [checksum(layer.digest)],
      })),
      ...entries.map((entry) => ({
        SPDXID: packageId(entry),
        name: entry.name,
        versionInfo: entry.version,
        supplier: 'Organization: Wolfi',
        originator: 'Organization: Wolfi',
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        licenseConcluded: 'NOASSERTION',
        licenseDeclared: entry.license === '' ? 'NOASSERTION' : entry.license,
        copyrightText: 'NOASSERTION',
        sourceInfo: `built from ${entry.origin}`,
        externalRefs: [purlRef(apkPurl(entry))],
      })),
    ],
    ...licenseTexts(entries),
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', root),
      ...layers.map((layer) => relationship(root, 'CONTAINS', layer.id)),
      ...entries.map((entry) => relationship(root, 'CONTAINS', packageId(entry))),
    ],
  };
}

export function apkPurl(entry: Pick<InstalledPackage, 'name' | 'version' | 'architecture' | 'origin'>): string {
  const qualifiers = [`arch=${entry.architecture}`, 'distro=wolfi'];
  if (entry.origin !== '' && entry.origin !== entry.name) qualifiers.push(`origin=${encodeURIComponent(entry.origin)}`);
  return `pkg:apk/wolfi/${encodeURIComponent(entry.name)}@${encodeURIComponent(entry.version)}?${qualifiers.join('&')}`;
}

/** Every `LicenseRef-` that is named has to be explained (SPDX 2.3, 10.1). */
function licenseTexts(packages: readonly InstalledPackage[]): Record<string, unknown> {
  const names = new Set(packages.flatMap((entry) => entry.license.match(/LicenseRef-[A-Za-z0-9.-]+/g) ?? []));
  if (names.size === 0) return {};
  const hasExtractedLicensingInfos = [...names].sort().map((licenseId) => ({
    licenseId,
    extractedText: `The package is under the terms its owner calls ${licenseId.replace('LicenseRef-', '')}.`,
  }));
  return { hasExtractedLicensingInfos };
}

function packageId(entry: InstalledPackage): string {
  const hash = createHash('sha256').update(`${entry.name} ${entry.version}`).digest('hex').slice(0, 8);
  return `SPDXRef-Package-${entry.name.replace(/[^A-Za-z0-9.-]/g, '-')}-${hash}`;
}

function checksum(digest: string): object {
  const [algorithm = '', checksumValue = ''] = digest.split(':');
  return { algorithm: algorithm.toUpperCase(), checksumValue };
}

function purlRef(referenceLocator: string): object {
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator };
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string): object {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}
