// What packages load at their top for what this program never does, with what stands in for it. Both builds use it.

/** node:http2 alone costs 19 ms on Node, node:http 5 ms, node:child_process 3 ms. */
const standIns = [
  // External subcommands: chainctl has none.
  { package: '/commander/', source: 'node:child_process', code: 'module.exports = {};' },
  // Its help and its guesses are a fifth of it; help here is made of definitions, and guesses are suggest.ts.
  {
    package: '/commander/',
    source: './help.js',
    code: 'module.exports = { Help: class Help {}, stripColor: (text) => text };',
  },
  { package: '/commander/', source: './suggestSimilar', code: "module.exports = { suggestSimilar: () => '' };" },
  // HTTP/2 is never negotiated (protocols 3.2); undici goes on without when loading throws.
  { package: '/undici/', source: 'node:http2', code: "throw new Error('left out');" },
  // Asked for the header limit (Node's default) and for a class that no body of ours is.
  {
    package: '/undici/',
    source: 'node:http',
    code: 'module.exports = { maxHeaderSize: 16384, IncomingMessage: class IncomingMessage {} };',
  },
];

/** Matches what any of them stands in for. */
export const standInSources = new RegExp(
  `^(${standIns.map(({ source }) => source.replaceAll('.', '\\.')).join('|')})$`,
);

/** Returns what stands in for what a module imports, by a name that is the same on every machine; mostly undefined. */
export function standInFor(source, importer) {
  const path = importer?.replaceAll('\\', '/');
  const found = standIns.find((one) => one.source === source && path?.includes(one.package));
  return found && { name: `${found.package.slice(1)}${source}`, code: found.code };
}
