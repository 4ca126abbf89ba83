// One file out of a package of the npm registry, with the ordinary client and pinned integrity. Guarantees: what does not
// match is never unpacked; tarballs are kept below node_modules/.cache, so that a second build downloads nothing.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import tar from 'tar-stream';

const cache = fileURLToPath(new URL('../../node_modules/.cache/chainctl-release', import.meta.url));

/** Returns the bytes of `path` in `name@version`. Throws when the registry has other bytes than the pinned ones. */
export async function fileOfPackage({ package: name, version, integrity, path }) {
  const tarball = await download(name, version, integrity);
  const found = await entry(tarball, path);
  if (found === undefined) throw new Error(`release: ${name}@${version} has no ${path}`);
  return found;
}

/**
 * Returns the path of such a file, below the project and the same in every checkout: compilers write paths into what they
 * make.
 */
export async function keptFileOfPackage(file) {
  const path = join(cache, 'files', basename(file.path));
  mkdirSync(dirname(path), { recursive: true });
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, await fileOfPackage(file));
  renameSync(fresh, path);
  return path;
}

async function download(name, version, integrity) {
  mkdirSync(cache, { recursive: true });
  const kept = join(cache, `${name.replace('/', '-').replace('@', '')}-${version}.tgz`);
  if (existsSync(kept) && (await integrityOf(kept)) === integrity) return kept;
  const folder = mkdtempSync(join(cache, 'download-'));
  try {
    await promisify(execFile)('npm', ['pack', '--silent', '--pack-destination', folder, `${name}@${version}`], {
      shell: process.platform === 'win32',
    });
    const [file] = readdirSync(folder);
    if (file === undefined) throw new Error(`release: npm brought nothing for ${name}@${version}`);
    const actual = await integrityOf(join(folder, file));
    if (actual !== integrity) {
      throw new Error(
        `release: ${name}@${version} is ${actual}, pinned is ${integrity}; see scripts/release/targets.mjs`,
      );
    }
    renameSync(join(folder, file), kept);
    return kept;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function integrityOf(path) {
  const hash = createHash('sha512');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return `sha512-${hash.digest('base64')}`;
}

async function entry(tarball, path) {
  const extract = tar.extract();
  createReadStream(tarball).pipe(createGunzip()).pipe(extract);
  let found;
  for await (const one of extract) {
    if (one.header.name !== path) {
      one.resume();
      continue;
    }
    const chunks = [];
    for await (const chunk of one) chunks.push(chunk);
    found = Buffer.concat(chunks);
  }
  return found;
}
