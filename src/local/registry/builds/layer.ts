// Layers as tar archives, made and looked into. Guarantees: the same files make the same bytes on every machine and every
// Node; reading streams, so that a large layer costs no memory but for the files that are asked for.

import type { Readable } from 'node:stream';
import { createGunzip, gzipSync } from 'node:zlib';
import { extract, type Header, pack } from 'tar-stream';

export interface Layer {
  readonly bytes: Buffer;
  readonly uncompressed: Buffer;
}

export interface LayerFile {
  readonly path: string;
  readonly text: string;
  readonly mode?: number;
}

/** A gzipped tar with parent folders first, in order of path, owned by root. `date` is RFC 3339. */
export async function makeLayer(files: readonly LayerFile[], date: string): Promise<Layer> {
  const archive = pack();
  const mtime = new Date(date);
  const add = (header: Partial<Header> & Pick<Header, 'name'>, text?: string): void => {
    archive.entry({ uid: 0, gid: 0, uname: 'root', gname: 'root', mtime, ...header }, text ?? '');
  };
  const folders = new Set<string>();
  for (const { path } of files) {
    const words = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= words.length; depth++) folders.add(words.slice(0, depth).join('/'));
  }
  for (const folder of [...folders].sort()) add({ name: `${folder}/`, type: 'directory', mode: 0o755 });
  for (const { path, text, mode } of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    add({ name: path, type: 'file', mode: mode ?? 0o644 }, text);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  const uncompressed = Buffer.concat(chunks);
  return { uncompressed, bytes: gzip(uncompressed) };
}

/** Compressors differ between versions and processors of Node; stored blocks in one piece do not. */
function gzip(bytes: Buffer): Buffer {
  const zipped = gzipSync(bytes, { level: 0, chunkSize: bytes.length + 1024 });
  // The header's operating system is the only byte left that could differ: 255 means unknown.
  zipped[9] = 255;
  return zipped;
}

/** Texts of some files of a layer, by path; `null` where the layer takes a file of the layers below away. */
export async function readLayerFiles(
  layer: Readable,
  compression: 'gzip' | 'none',
  wanted: ReadonlySet<string>,
): Promise<Map<string, string | null>> {
  const found = new Map<string, string | null>();
  const archive = extract();
  const failed = (error: Error): void => {
    archive.destroy(error);
  };
  layer.on('error', failed);
  if (compression === 'gzip') {
    const gunzip = createGunzip();
    gunzip.on('error', failed);
    layer.pipe(gunzip).pipe(archive);
  } else layer.pipe(archive);
  for await (const entry of archive) {
    const path = entry.header.name.replace(/^\.?\//, '');
    const hidden = path.replace(/(^|\/)\.wh\.([^/]+)$/, '$1$2');
    if (hidden !== path && wanted.has(hidden)) found.set(hidden, null);
    if (wanted.has(path) && entry.header.type === 'file') {
      if ((entry.header.size ?? 0) > maxFileBytes) throw new RangeError(`"${path}" of a layer is too large to change`);
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      found.set(path, Buffer.concat(chunks).toString('utf8'));
    } else entry.resume();
  }
  return found;
}

const maxFileBytes = 16 * 1024 * 1024;
