// Run by Bun itself: bundles, compiles to bytecode and puts both into the target's runtime. argv: the file of one JSON order. Prints
// the modules that went in, as JSON.

import { readFileSync } from 'node:fs';
import { standInFor, standInSources } from '../stand-ins.mjs';

const order = JSON.parse(readFileSync(process.argv[2], 'utf8'));

// The native part of the keychain for the target's system, which need not be this one's: the package's own loader would
// look for all of them when it runs.
const keyring = {
  name: 'keyring-of-the-target',
  setup(build) {
    build.onResolve({ filter: /^@napi-rs\/keyring$/ }, () => ({ path: 'keyring', namespace: 'target' }));
    build.onLoad({ filter: /.*/, namespace: 'target' }, () => ({
      contents: `export const { AsyncEntry } = require(${JSON.stringify(order.addon)});`,
      loader: 'js',
    }));
  },
};

const codes = new Map();

const leaveOutUnused = {
  name: 'leave-out-unused',
  setup(build) {
    // Exactly these: Bun lays out what it has asked about in the order of the answers, which is not the same twice.
    build.onResolve({ filter: standInSources }, ({ path: source, importer }) => {
      const standIn = standInFor(source, importer);
      if (standIn === undefined) return undefined;
      codes.set(standIn.name, standIn.code);
      return { path: standIn.name, namespace: 'stand-in' };
    });
    build.onLoad({ filter: /.*/, namespace: 'stand-in' }, ({ path }) => ({ contents: codes.get(path), loader: 'js' }));
  },
};

// A module for each page, so that a start reads the one that is asked for.
const help = {
  name: 'help-for-80-columns',
  setup(build) {
    build.onLoad({ filter: /\/src\/cli\/built-help\.ts$/ }, () => {
      const pages = Object.keys(order.help).map(
        (page) => `${JSON.stringify(page)}: () => import(${JSON.stringify(`help-page:${page}`)})`,
      );
      return { contents: `export const builtHelp = {${pages.join(',')}};`, loader: 'js' };
    });
    // The prefix stays: a module called "events" would be taken for Node's.
    build.onResolve({ filter: /^help-page:/ }, ({ path }) => ({ path, namespace: 'help-page' }));
    build.onLoad({ filter: /.*/, namespace: 'help-page' }, ({ path }) => ({
      contents: `export default ${JSON.stringify(order.help[path.slice('help-page:'.length)])};`,
      loader: 'js',
    }));
  },
};

// With what it imports in one module: a start would read nine of them for one answer.
const quickHelper = {
  name: 'helper-in-one-module',
  setup(build) {
    build.onLoad({ filter: /\/src\/credential-helper\.ts$/ }, () => ({ contents: order.helper, loader: 'js' }));
  },
};

const result = await Bun.build({
  entrypoints: [`${order.root}/${order.entry}`],
  root: order.root,
  target: 'bun',
  format: 'esm',
  splitting: true,
  minify: true,
  bytecode: true,
  metafile: true,
  define: order.define,
  // As tsconfig.json says it, which a build with a root of its own does not read.
  jsx: { runtime: 'automatic', importSource: 'preact', development: false },
  plugins: [keyring, leaveOutUnused, help, quickHelper],
  // Only Node below 24 needs it; Bun has SQLite inside.
  external: ['@photostructure/sqlite'],
  compile: {
    target: order.target,
    executablePath: order.runtime,
    outfile: order.outfile,
    autoloadDotenv: false,
    autoloadBunfig: false,
    autoloadTsconfig: false,
    autoloadPackageJson: false,
  },
});
if (!result.success) {
  for (const log of result.logs) console.error(String(log));
  process.exit(1);
}
console.log(JSON.stringify({ modules: Object.keys(result.metafile?.inputs ?? {}) }));
