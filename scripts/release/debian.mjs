// A Debian package without Debian's tools: an ar archive of two tarballs (deb(5)). The same input gives the same bytes.

import { writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';

const description = `independent command line for the Chainguard platform
 Organizations, roles, assumable identities, images and events from the
 terminal, a credential helper for Docker and the kubelet, and the platform
 itself, embedded, to try things on.`;

/**
 * Writes the package to `path`. `files` are `{ path, bytes, mode }` or `{ path, link }`, paths from the root; `built` is the
 * date of all of them.
 */
export async function writeDebianPackage(path, { version, architecture, files, built, maintainer }) {
  const size = Math.ceil(files.reduce((sum, file) => sum + (file.bytes?.length ?? 0), 0) / 1024);
  const control = `Package: chainctl
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${size}
Depends: libc6 (>= 2.17)
Recommends: ca-certificates
Section: utils
Priority: optional
Description: ${description}
`;
  const parts = [
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar.gz', await tarball([{ path: 'control', bytes: Buffer.from(control), mode: 0o644 }], built)],
    ['data.tar.gz', await tarball(files, built)],
  ];
  const seconds = String(Math.floor(built.getTime() / 1000));
  const chunks = [Buffer.from('!<arch>\n')];
  for (const [name, bytes] of parts) {
    const fields = [name.padEnd(16), seconds.padEnd(12), '0'.padEnd(6), '0'.padEnd(6), '100644'.padEnd(8)];
    chunks.push(Buffer.from(`${fields.join('')}${String(bytes.length).padEnd(10)}\`\n`), bytes);
    if (bytes.length % 2 === 1) chunks.push(Buffer.from('\n'));
  }
  writeFileSync(path, Buffer.concat(chunks));
}

/** Returns a gzipped tarball of the files and the folders above them, all of them root's. */
export async function tarball(files, built) {
  const pack = tar.pack();
  const chunks = [];
  const read = (async () => {
    for await (const chunk of pack) chunks.push(chunk);
  })();
  const common = { mtime: built, uid: 0, gid: 0, uname: 'root', gname: 'root' };
  const folders = new Set();
  for (const file of files) {
    for (let at = posix.dirname(file.path); at !== '.'; at = posix.dirname(at)) folders.add(at);
  }
  pack.entry({ ...common, name: './', type: 'directory', mode: 0o755 });
  for (const name of [...folders].sort()) {
    pack.entry({ ...common, name: `./${name}/`, type: 'directory', mode: 0o755 });
  }
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const name = `./${file.path}`;
    if (file.link !== undefined) pack.entry({ ...common, name, type: 'symlink', linkname: file.link, mode: 0o777 });
    else pack.entry({ ...common, name, mode: file.mode ?? 0o644 }, file.bytes);
  }
  pack.finalize();
  await read;
  // Level 6 with no name and no time in the header, as zlib writes it.
  return gzipSync(Buffer.concat(chunks), { level: 6 });
}
