// Bundles src/ into dist/: CJS chunks, one per lazy import. Every pure-JavaScript
// package is bundled, so an installed chainctl loads no node_modules but the two native optionals.

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import { constants, describeBuild, root } from './build-constants.mjs';

// Modules that are always loaded together share a file: each further one costs a third of a millisecond at start-up.
const chunkGroups = [
  { name: 'token-file', test: /src\/(host|stats|auth\/(cache-files|jwt))\.ts$/ },
  { name: 'process', test: /src\/(errors|loopback|api\/(status|uidp)|cli\/real-(host|pager))\.ts$/ },
  {
    name: 'find',
    test: /src\/(cli\/(program|globals|spelling|define|inputs\/(values|context-name))|config\/context-name|suggest|duration|commands\/index\.gen)\.ts$/,
  },
  {
    name: 'run',
    test: /src\/(cli\/(pipeline|formats|collect|complete|arguments|context|prompts\/prompter|output\/(renderer|batch|json|env|id|text|none))|config\/(load|paths|schema)|files)\.ts$|node_modules\/commander\//,
  },
  {
    name: 'api',
    test: /src\/api\/(http|client|direct-client|transport|wire\b.*|schema\/(operations|messages)\/(iam|auth|common)\.gen)(\.ts)?$/,
  },
  {
    debugName: 'noun',
    // What the commands of one noun share.
    name: (id) => /src\/commands\/([a-z]+)\/([a-z-]+)\/(?!.*\/)/.exec(id)?.slice(1, 3).join('-'),
    test: (id) => /src\/commands\/[a-z]+\/[a-z-]+\/[a-z-]+\.ts$/.test(id) && !isCommand(id),
  },
];

function isCommand(id) {
  return /^export default /m.test(readFileSync(id, 'utf8'));
}

// Built-ins that a package loads at its top for what this program never does, with what stands in for them:
// node:http2 alone costs 19 ms, node:http 5 ms, node:child_process 3 ms.
const standIns = [
  // External subcommands: chainctl has none.
  { package: '/commander/', builtin: 'node:child_process', code: 'module.exports = {};' },
  // HTTP/2 is never negotiated (protocols 3.2); undici goes on without when loading throws.
  { package: '/undici/', builtin: 'node:http2', code: "throw new Error('left out');" },
  // Asked for the header limit (Node's default) and for a class that no body of ours is.
  {
    package: '/undici/',
    builtin: 'node:http',
    code: 'module.exports = { maxHeaderSize: 16384, IncomingMessage: class IncomingMessage {} };',
  },
];

function standInFor(source, importer) {
  const at = standIns.findIndex((one) => one.builtin === source && importer?.includes(one.package));
  return at < 0 ? undefined : `\0stand-in-${at}`;
}

const leaveOutUnusedBuiltins = {
  name: 'leave-out-unused-builtins',
  resolveId: standInFor,
  load: (id) => standIns[/^\0stand-in-(\d+)$/.exec(id)?.[1]]?.code,
};

// A release builds elsewhere, and may be of another version.
const { values: flags } = parseArgs({ options: { out: { type: 'string' }, version: { type: 'string' } } });
const build = { ...describeBuild(), ...(flags.version === undefined ? {} : { version: flags.version }) };
const dist = flags.out ?? join(root, 'dist');
// Built beside dist and swapped at the end: a build that fails leaves the one of before, and tests that run meanwhile
// miss no file.
const fresh = `${dist}.${process.pid}`;
const bundle = await rolldown({
  cwd: root,
  input: {
    chainctl: 'src/cli/main.ts',
    'credential-helper': 'src/credential-helper.ts',
    'sbom-worker': 'src/local/registry/sboms/sbom-worker.ts',
  },
  platform: 'node',
  plugins: [leaveOutUnusedBuiltins],
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
});
const { output } = await bundle.write({
  dir: fresh,
  format: 'cjs',
  exports: 'named',
  entryFileNames: '[name].cjs',
  chunkFileNames: 'chunks/[name]-[hash].cjs',
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
  sourcemap: false,
  codeSplitting: { groups: chunkGroups },
});
await bundle.close();

// Which chunk holds what: the boundary tests read it.
const meta = Object.fromEntries(
  output
    .filter((item) => item.type === 'chunk')
    .map((chunk) => [
      chunk.fileName,
      {
        bytes: Buffer.byteLength(chunk.code),
        imports: chunk.imports,
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
