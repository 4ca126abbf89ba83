// Bundles src/ into dist/: CJS chunks, one per lazy import. Every pure-JavaScript
// package is bundled, so an installed chainctl loads no node_modules but the two native optionals.

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import { constants, describeBuild, root } from './build-constants.mjs';
import { helpTexts } from './help-texts.mjs';
import { helperEntry, leaveRestOfHelper } from './helper-module.mjs';
import { standInFor } from './stand-ins.mjs';

// Modules that are always loaded together share a file: each further one costs a third of a millisecond at start-up.
const chunkGroups = [
  { name: 'token-file', test: /src\/(host|stats|json|null-device|auth\/(cache-files|jwt))\.ts$/ },
  { name: 'process', test: /src\/(build|arrivals|errors|loopback|api\/(status|uidp)|real-(host|pager))\.ts$/ },
  {
    name: 'find',
    test: /src\/(cli\/(help|program|globals|spelling|define|inputs\/(is-true|values|context-name))|config\/context-name|suggest|duration|commands\/index\.gen)\.ts$/,
  },
  {
    name: 'lookup',
    test: /src\/(cli\/(short-id|output\/age|inputs\/(references|ids|names))|commands\/iam\/(roles\/role|identities\/identity|identity-providers\/identity-provider)|api\/(uidp|compact))\.ts$/,
  },
  {
    name: 'run',
    test: /src\/(cli\/(pipeline|formats|collect|complete|plain-arguments|context|remembered|prompts\/prompter|output\/(renderer|format|batch|json|env|id|text|none))|config\/(load|paths|schema)|files)\.ts$/,
  },
  {
    name: 'api',
    test: /src\/api\/(http|client|direct-client|status|transport|wire|wire\/(codec|encode-request|values|template)|schema\/(lazily|packages\.gen|messages\/common\.gen))\.ts$/,
  },
  // What a start of the platform reads of the console.
  { name: 'console-clouds', test: /src\/(console\/(clouds|caller)|commands\/console\/clouds)\.ts$/ },
  {
    name: 'console',
    test: /src\/(console\/[\w.-]+|console\/look\/[\w.]+|commands\/console\/\w+|look|access\/authority|html)\.tsx?$|node_modules\/preact(-render-to-string)?\//,
  },
  { name: 'console-parts', test: /src\/(console\/parts\/[\w-]+|shell-word)\.tsx?$/ },
  // Of one package each.
  { name: 'iam-tables', test: /src\/api\/schema\/(operations|messages)\/iam\.gen\.ts$/ },
  { name: 'registry-tables', test: /src\/api\/schema\/(operations|messages)\/(registry|tenant)\.gen\.ts$/ },
];

const codes = new Map();

const leaveOutUnused = {
  name: 'leave-out-unused',
  resolveId(source, importer) {
    const standIn = standInFor(source, importer);
    if (standIn === undefined) return undefined;
    const id = `\0stand-in:${standIn.name}`;
    codes.set(id, standIn.code);
    return id;
  },
  load: (id) => codes.get(id),
};

// A release builds elsewhere, and may be of another version.
const { values: flags } = parseArgs({ options: { out: { type: 'string' }, version: { type: 'string' } } });
const build = { ...describeBuild(), ...(flags.version === undefined ? {} : { version: flags.version }) };
const dist = flags.out ?? join(root, 'dist');
// Built beside dist and swapped at the end: a build that fails leaves the one of before, and tests that run meanwhile
// miss no file.
const fresh = `${dist}.${process.pid}`;
const shared = {
  cwd: root,
  platform: 'node',
  plugins: [leaveOutUnused],
  external: (id, importer) =>
    (id.startsWith('node:') && standInFor(id, importer) === undefined) ||
    id === '@photostructure/sqlite' ||
    id === '@napi-rs/keyring',
  // The ES module of a package first: jsonc-parser's other form hides its imports from a bundler.
  resolve: { mainFields: ['module', 'main'] },
  transform: {
    target: 'node20',
    define: constants(build),
  },
  onLog(level, log, handler) {
    // INEFFECTIVE_DYNAMIC_IMPORT: the embedded platform imports at once what a command imports when it needs it. What each
    // process really loads is tested in test/contract/loads.test.ts.
    if (level === 'debug' || log.code === 'EVAL' || log.code === 'INEFFECTIVE_DYNAMIC_IMPORT') return;
    handler(level, log);
  },
};

/**
 * Returns the same program without letters beyond ASCII: one of them makes V8 keep the whole text with two bytes a letter,
 * and Node decode it instead of copying it. Throws where an escape would be another program.
 */
function inAscii(code, name) {
  return code.replace(/(\\|String\.raw`[^`]*)?([^\0-\x7f])/g, (_, before, unit) => {
    if (before !== undefined) throw new Error(`build: ${name} has "${before}${unit}", which has no spelling in ASCII`);
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

async function write(input, { plugins = [], ...options }) {
  const bundle = await rolldown({ ...shared, input, plugins: [...shared.plugins, ...plugins] });
  const { output } = await bundle.write({
    dir: fresh,
    format: 'cjs',
    exports: 'named',
    entryFileNames: '[name].cjs',
    chunkFileNames: 'chunks/[name]-[hash].cjs',
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    sourcemap: false,
    ...options,
  });
  await bundle.close();
  for (const chunk of output) {
    if (chunk.type !== 'chunk') continue;
    // Chunks are run as scripts (src/node/entry.ts), which have no `import()`; what is left of them names built-ins and add-ons.
    const code = chunk.code.replace(/\bimport\(([`'"])([\w@/:.-]+)\1\)/g, 'Promise.resolve().then(()=>require("$2"))');
    writeFileSync(join(fresh, chunk.fileName), inAscii(code, chunk.fileName));
  }
  return output;
}

const output = [
  ...(await write(
    {
      main: 'src/cli/main.ts',
      'credential-helper-rest': 'src/credential-helper-rest.ts',
      'sbom-worker': 'src/local/registry/sboms/sbom-worker.ts',
    },
    { codeSplitting: { groups: chunkGroups } },
  )),
  ...(await write({ chainctl: 'src/node/entry.ts' }, { codeSplitting: false })),
  ...(await write(
    { 'credential-helper': helperEntry },
    { codeSplitting: false, plugins: [leaveRestOfHelper('./credential-helper-rest.cjs')] },
  )),
];

await writeHelp();

/**
 * A file for each first word, so that a page costs no more when there are more commands: eight digits, the bytes of the
 * index; the index, where each page begins behind it and how long it is; the pages.
 */
async function writeHelp() {
  const { texts, docsPlace } = await helpTexts();
  // The package brings its documentation, and what tells the page knows where it lies.
  texts[''] = texts[''].slice(0, -`${docsPlace}\n`.length);
  mkdirSync(join(fresh, 'help'));
  const files = new Map();
  for (const page of Object.entries(texts)) {
    const name = page[0].split(' ')[0] || 'chainctl';
    files.set(name, [...(files.get(name) ?? []), page]);
  }
  for (const [name, pages] of files) {
    let at = 0;
    const index = {};
    for (const [words, text] of pages) {
      index[words] = [at, Buffer.byteLength(text)];
      at += Buffer.byteLength(text);
    }
    const head = JSON.stringify(index);
    const length = String(Buffer.byteLength(head)).padStart(8, '0');
    writeFileSync(join(fresh, 'help', `${name}.pack`), [length, head, ...pages.map(([, text]) => text)].join(''));
  }
}

// Which chunk holds what: the boundary tests read it.
const meta = Object.fromEntries(
  output
    .filter((item) => item.type === 'chunk')
    .map((chunk) => [
      chunk.fileName,
      {
        bytes: Buffer.byteLength(chunk.code),
        // The entry loads what it does not answer itself by name.
        imports: chunk.fileName === 'chainctl.cjs' ? ['main.cjs'] : chunk.imports,
        dynamicImports: chunk.dynamicImports,
        modules: chunk.moduleIds.map((id) => id.replace(`${root}`, '').replace(/\0/g, '')),
      },
    ]),
);
writeFileSync(join(fresh, 'meta.json'), `${JSON.stringify(meta, null, 1)}\n`);
const before = `${fresh}.before`;
if (existsSync(dist)) renameSync(dist, before);
renameSync(fresh, dist);
rmSync(before, { recursive: true, force: true });
const total = Object.values(meta).reduce((sum, chunk) => sum + chunk.bytes, 0);
console.log(
  `built ${Object.keys(meta).length} chunks, ${Math.round(total / 1024)} kB, entry ${meta['chainctl.cjs'].bytes} bytes`,
);
