// The first file of the Node build. Guarantees: `version` costs this file and nothing else; everything else comes from the
// chunks beside it. Where this is the V8 that `npm run build` ran on, they and what V8 made of them come out of one file
// (scripts/code-cache.mjs), and each from its own elsewhere.

import { existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { pageAskedFor } from '../cli/page-asked-for.ts';
import { isEightyColumns, writesAll } from '../cli/quick-help.ts';
import { versionText } from '../version.ts';

declare const require: NodeJS.Require;
declare const __dirname: string;

interface Chunk {
  exports: unknown;
}

type Body = (exports: unknown, require: (id: string) => unknown, module: Chunk, file: string, folder: string) => void;

const chunks = new Map<string, Chunk>();

/** Node's `require` for files of this folder, without its search for packages; `name` is e.g. `chunks/run-1a2b3c4d.cjs`. */
function load(name: string): unknown {
  const known = chunks.get(name);
  if (known !== undefined) return known.exports;
  const filename = `${__dirname}/${name}`;
  const packed = pack?.(name);
  // On the chunk's own first line, so that stack traces keep their lines.
  const source =
    packed?.source ?? `(function(exports,require,module,__filename,__dirname){${readFileSync(filename, 'latin1')}\n})`;
  const { Script } = require('node:vm') as typeof import('node:vm');
  const script = new Script(source, { filename, cachedData: packed?.code });
  const chunk: Chunk = { exports: {} };
  chunks.set(name, chunk);
  const folder = name.slice(0, name.lastIndexOf('/') + 1);
  const requireFrom = (id: string): unknown => (id.startsWith('./') ? load(folder + id.slice(2)) : require(id));
  (script.runInThisContext() as Body)(chunk.exports, requireFrom, chunk, filename, `${__dirname}/${folder}`);
  return chunk.exports;
}

interface Packed {
  readonly source: string;
  /** V8 itself refuses code of another V8, which is then compiled anew. */
  readonly code: Buffer;
}

/** Returns what finds a chunk in the file for this V8; undefined without one, as after `scripts/build.mjs` alone. */
function openPack(): ((name: string) => Packed | undefined) | undefined {
  try {
    const descriptor = openSync(`${__dirname}/code/${process.versions.v8}-${process.arch}.pack`, 'r');
    const read = (at: number, length: number) => {
      const bytes = Buffer.allocUnsafeSlow(length);
      if (readSync(descriptor, bytes, 0, length, at) !== length) throw new Error('cut short');
      return bytes;
    };
    // Two numbers of eight digits: bytes of the index, and of it with the chunks behind it that every command loads.
    const lengths = read(0, 16).toString('latin1');
    const head = read(16, Number(lengths.slice(8)));
    const index = JSON.parse(head.toString('latin1', 0, Number(lengths.slice(0, 8)))) as Record<
      string,
      [at: number, source: number, code: number]
    >;
    return (name) => {
      const [at, source, code] = index[name] ?? [];
      if (at === undefined || source === undefined || code === undefined) return undefined;
      try {
        const end = at + source + code;
        const bytes = end <= head.length ? head.subarray(at, end) : read(16 + at, source + code);
        return { source: bytes.toString('latin1', 0, source), code: bytes.subarray(source) };
      } catch {
        return undefined;
      }
    };
  } catch {
    return undefined;
  }
}

/** Returns whether this was all; a write that fails is the program's to explain. */
function answersVersion(): boolean {
  const [, path = '', word, ...others] = process.argv;
  if (others.length > 0 || (word !== 'version' && word !== '--version') || !/[/\\]chainctl(?:\.js)?$/.test(path)) {
    return false;
  }
  return writesAll(Buffer.from(versionText()));
}

/** Returns whether the page that is asked for was told as the build has laid it out (scripts/build.mjs, `writeHelp`). */
function answersHelp(): boolean {
  const [, path = '', ...words] = process.argv;
  const page = /[/\\]chainctl(?:\.js)?$/.test(path) ? pageAskedFor(words) : undefined;
  if (page === undefined || !isEightyColumns(process.env['COLUMNS'])) return false;
  try {
    const name = page.split(' ')[0] || 'chainctl';
    if (!/^[a-z-]+$/.test(name)) return false;
    const pack = readFileSync(`${__dirname}/help/${name}.pack`);
    const start = 8 + Number(pack.toString('latin1', 0, 8));
    const index = JSON.parse(pack.toString('utf8', 8, start)) as Record<string, [at: number, length: number]>;
    const [at, length] = (Object.hasOwn(index, page) && index[page]) || [];
    if (at === undefined || length === undefined) return false;
    const text = pack.subarray(start + at, start + at + length);
    if (page !== '') return writesAll(text);
    const documentation = `${__dirname.slice(0, -'dist'.length)}docs/README.md`;
    return existsSync(documentation) && writesAll(Buffer.concat([text, Buffer.from(`${documentation}\n`)]));
  } catch {
    return false;
  }
}

const isAnswered = answersVersion() || answersHelp();
const pack = isAnswered ? undefined : openPack();
if (!isAnswered) load('main.cjs');
