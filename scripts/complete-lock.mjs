// Adds to package-lock.json the optional platform packages that npm left out because the registry at hand does not serve
// them (a partial mirror answers 404). Without their entries `npm ci` calls the lock out of sync on every other machine.
// They carry no integrity: npm fills it in where they are really installed. Run it after `npm install`.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const lock = JSON.parse(readFileSync(path, 'utf8'));

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/** The platform a binary package says it is for in its name, such as `@scope/binding-linux-arm64-musl`. */
function platformOf(name) {
  const words = name.toLowerCase().split(/[/-]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  const libc = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.some((word) => word.startsWith('gnu'))
      ? 'glibc'
      : undefined;
  return {
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(libc === undefined ? {} : { libc: [libc] }),
    ...(os === undefined ? {} : { os: [os] }),
  };
}

/** The entry a package at `from` would load `name` from: nested below it or in a folder above, as Node looks for it. */
function lockedFor(from, name) {
  for (let folder = `${from}/`; ; folder = folder.replace(/node_modules\/(@[^/]+\/)?[^/]+\/$/, '')) {
    const entry = lock.packages[`${folder}node_modules/${name}`];
    if (entry !== undefined || folder === '') return entry;
  }
}

let added = 0;
for (const [from, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const platform = platformOf(name);
    if (from === '' || !/^\d/.test(version) || Object.keys(platform).length === 0) continue;
    if (lockedFor(from, name)?.version === version) continue;
    // Beside the package that wants it, where no other version can stand.
    lock.packages[`${from.slice(0, from.lastIndexOf('node_modules/'))}node_modules/${name}`] = {
      version,
      ...platform,
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
    };
    added += 1;
  }
}
const [root, ...rest] = Object.entries(lock.packages);
lock.packages = Object.fromEntries([root, ...rest.sort(([a], [b]) => a.localeCompare(b, 'en'))]);
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} platform packages added`);
