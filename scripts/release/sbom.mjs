// What is inside: SPDX 2.3 as JSON, from the modules that really went into the executables and from the lock, which knows
// versions, licenses and hashes. Deterministic: no time but the commit's, no random identifier.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../build-constants.mjs';

/** Returns the document. `modules` are paths below the project; `targets` bring their runtimes and native parts along. */
export function sbom({ build, modules, targets, sums }) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const names = new Set(modules.map(packageFolder).filter((folder) => folder !== undefined));
  const bundled = [...names].sort().map((folder) => fromLock(folder, lock[folder]));
  const native = targets.flatMap(({ runtime, addon }) => [
    fromPin(runtime, 'MIT', 'the Bun runtime, with JavaScriptCore (LGPL-2.1) and further parts'),
    fromPin(addon, 'MIT', 'the native part of @napi-rs/keyring'),
  ]);
  const main = {
    SPDXID: 'SPDXRef-chainctl',
    name: 'chainctl',
    versionInfo: build.version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'Apache-2.0',
    licenseDeclared: 'Apache-2.0',
    copyrightText: 'NOASSERTION',
    primaryPackagePurpose: 'APPLICATION',
    externalRefs: [purl(`pkg:generic/chainctl@${build.version}`)],
    sourceInfo: `commit ${build.commit || 'unknown'}`,
  };
  const files = Object.entries(sums).map(([name, sha256]) => ({
    SPDXID: `SPDXRef-file-${idOf(name)}`,
    fileName: `./${name}`,
    fileTypes: ['BINARY'],
    checksums: [
      { algorithm: 'SHA256', checksumValue: sha256.sha256 },
      { algorithm: 'SHA1', checksumValue: sha256.sha1 },
    ],
    licenseConcluded: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
  }));
  const parts = [...bundled, ...native];
  const identity = createHash('sha256')
    .update(JSON.stringify([build, parts, files]))
    .digest('hex');
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `chainctl-${build.version}`,
    documentNamespace: `https://spdx.org/spdxdocs/chainctl-${build.version}-${identity.slice(0, 32)}`,
    creationInfo: {
      created: new Date(build.date || 0).toISOString().replace('.000', ''),
      creators: ['Tool: chainctl-release'],
    },
    packages: [main, ...parts],
    files,
    relationships: [
      relation('SPDXRef-DOCUMENT', 'DESCRIBES', main.SPDXID),
      ...parts.map((part) => relation(main.SPDXID, 'CONTAINS', part.SPDXID)),
      ...files.map((file) => relation(file.SPDXID, 'GENERATED_FROM', main.SPDXID)),
    ],
  };
}

/**
 * Returns `node_modules/a/node_modules/@b/c` for a file below it; undefined for our own files, and for the native parts that
 * lie in `node_modules/.cache` and are listed by their pins.
 */
function packageFolder(module) {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/.][^/]*(?=\/)/.exec(module.replaceAll('\\', '/'))?.[0];
}

function fromLock(folder, entry) {
  if (entry === undefined) throw new Error(`release: ${folder} is bundled, but not in package-lock.json`);
  const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
  return npmPackage(name, entry.version, entry.license, entry.integrity);
}

function fromPin({ package: name, version, integrity }, license, comment) {
  return { ...npmPackage(name, version, license, integrity), comment };
}

function npmPackage(name, version, license, integrity) {
  const sha512 = integrity?.startsWith('sha512-')
    ? Buffer.from(integrity.slice(7), 'base64').toString('hex')
    : undefined;
  return {
    SPDXID: `SPDXRef-npm-${idOf(`${name}-${version}`)}`,
    name,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    ...(sha512 === undefined ? {} : { checksums: [{ algorithm: 'SHA512', checksumValue: sha512 }] }),
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: license ?? 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    externalRefs: [purl(`pkg:npm/${name.replace('@', '%40')}@${version}`)],
  };
}

const idOf = (text) => text.replaceAll(/[^a-zA-Z0-9.-]+/g, '-').replace(/^-+/, '');
const purl = (locator) => ({ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: locator });
const relation = (from, type, to) => ({ spdxElementId: from, relationshipType: type, relatedSpdxElement: to });
