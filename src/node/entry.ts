// The first file of the Node build. Guarantees: `version` costs this file and nothing else; everything else comes from the
// chunks beside it, with the code that V8 made of them at build time where this is the same V8, and without it elsewhere.

import { readFileSync, writeSync } from 'node:fs';
import { versionText } from '../version.ts';

declare const require: NodeJS.Require;
declare const __dirname: string;

interface Chunk {
  exports: unknown;
}

type Body = (exports: unknown, require: (id: string) => unknown, module: Chunk, file: string, folder: string) => void;

const chunks = new Map<string, Chunk>();
const codeFolder = `${__dirname}/code/${process.versions.v8}-${process.arch}`;

/** Node's `require` for files of this folder, without its search for packages; `name` is e.g. `chunks/run-1a2b3c4d.cjs`. */
function load(name: string): unknown {
  const known = chunks.get(name);
  if (known !== undefined) return known.exports;
  const file = `${__dirname}/${name}`;
  // On the chunk's own first line, so that stack traces keep their lines.
  const source = `(function(exports,require,module,__filename,__dirname){${readFileSync(file, 'utf8')}\n})`;
  const { Script } = require('node:vm') as typeof import('node:vm');
  const script = new Script(source, { filename: file, cachedData: codeOf(name) });
  const chunk: Chunk = { exports: {} };
  chunks.set(name, chunk);
  const folder = name.slice(0, name.lastIndexOf('/') + 1);
  const requireFrom = (id: string): unknown => (id.startsWith('./') ? load(folder + id.slice(2)) : require(id));
  (script.runInThisContext() as Body)(chunk.exports, requireFrom, chunk, file, `${__dirname}/${folder}`);
  return chunk.exports;
}

/** Returns what another V8 made is refused by V8 itself, and then made anew. */
function codeOf(name: string): Buffer | undefined {
  try {
    return readFileSync(`${codeFolder}/${name.slice(name.lastIndexOf('/') + 1)}`);
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
  try {
    const bytes = Buffer.from(versionText());
    return writeSync(1, bytes) === bytes.length;
  } catch {
    return false;
  }
}

if (!answersVersion()) load('main.cjs');
