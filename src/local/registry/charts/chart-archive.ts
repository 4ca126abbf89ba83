// Helm charts as the registry holds them. Guarantees: a layer that is no chart gives undefined; archives are read with a
// limit, so that a small one cannot unpack into all memory.

import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { asObject, isObject } from '../../../json.ts';

export const chartContentType = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

export interface ChartArchive {
  /** Chart.yaml as it is. */
  readonly raw: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly values: string;
  readonly changelog: string;
  readonly images: readonly ChartImageReference[];
}

export interface ChartImageReference {
  readonly name: string;
  /** `cgr.dev/chainguard/nginx:1.29.3@sha256:…` */
  readonly image: string;
  readonly requirement: 'required' | 'optional' | undefined;
}

const maxUnpackedBytes = 64 * 1024 * 1024;
const block = 512;

export function readChart(archive: Uint8Array): ChartArchive | undefined {
  const files = unpack(archive);
  // The files of the chart itself are one folder down; those of its dependencies are deeper.
  const file = (name: string): string | undefined =>
    [...files].find(([path]) => path.split('/').length === 2 && path.endsWith(`/${name}`))?.[1];
  const raw = file('Chart.yaml');
  const metadata = raw === undefined ? undefined : parseYaml(raw);
  if (raw === undefined || !isObject(metadata)) return undefined;
  return {
    raw,
    metadata,
    values: file('values.yaml') ?? '',
    changelog: file('CHANGELOG.md') ?? '',
    images: imagesOf(metadata, file('cg.json')),
  };
}

/** From the annotation `images`, a YAML list; whether each is needed from `cg.json`. */
function imagesOf(metadata: Readonly<Record<string, unknown>>, mapping: string | undefined): ChartImageReference[] {
  const annotation = asObject(metadata['annotations'])['images'];
  const list = typeof annotation === 'string' ? parseYaml(annotation) : undefined;
  const known = asObject(asObject(mapping === undefined ? undefined : parseYaml(mapping))['images']);
  if (!Array.isArray(list)) return [];
  return list.flatMap((value) => {
    const { name, image } = asObject(value);
    if (typeof name !== 'string' || typeof image !== 'string') return [];
    const requirement = asObject(known[name])['requirement'];
    const isKnown = requirement === 'required' || requirement === 'optional';
    return [{ name, image, requirement: isKnown ? requirement : undefined }];
  });
}

/** Texts of a gzipped tar by path. */
function unpack(archive: Uint8Array): Map<string, string> {
  const files = new Map<string, string>();
  let bytes: Buffer;
  try {
    bytes = gunzipSync(archive, { maxOutputLength: maxUnpackedBytes });
  } catch {
    return files;
  }
  let longName: string | undefined;
  for (let offset = 0; offset + block <= bytes.length; ) {
    const header = bytes.subarray(offset, offset + block);
    if (header[0] === 0) break;
    const size = Number.parseInt(textAt(header, 124, 12).trim() || '0', 8);
    if (!Number.isSafeInteger(size) || size < 0) break;
    const content = bytes.subarray(offset + block, offset + block + size);
    offset += block + Math.ceil(size / block) * block;
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === 'x') longName = /^[0-9]+ path=(.*)$/m.exec(content.toString())?.[1];
    else if (type === 'L') longName = content.toString().replace(/\0.*$/s, '');
    else {
      const prefix = textAt(header, 345, 155);
      const name = longName ?? (prefix === '' ? textAt(header, 0, 100) : `${prefix}/${textAt(header, 0, 100)}`);
      if (type === '0' || type === '\0') files.set(name.replace(/^\.\//, ''), content.toString());
      longName = undefined;
    }
  }
  return files;
}

function textAt(bytes: Buffer, start: number, length: number): string {
  return bytes
    .subarray(start, start + length)
    .toString()
    .replace(/\0.*$/s, '');
}

function parseYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}
