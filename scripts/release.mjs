// `npm run release`: every file of a release, laid out as any web server can serve it (docs/release.md). Everything but
// the signatures, and what V8 has compiled in the npm package, is the same, byte by byte, for the same commit and the same
// flags.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeBuild, root } from './build-constants.mjs';
import { tarball, writeDebianPackage } from './release/debian.mjs';
import { buildExecutable, prepare } from './release/executable.mjs';
import { homebrewFormula, scoopManifest } from './release/formulas.mjs';
import { packForNpm } from './release/npm-package.mjs';
import { sbom } from './release/sbom.mjs';
import { publicKeyOf, releaseKey, signFile } from './release/sign.mjs';
import { targets } from './release/targets.mjs';

const usage = `Usage: npm run release -- [flags]

  --out DIR        Where to; ./release when left out
  --target NAME    Only this one, such as linux_x86_64; may be given again. Without it: all
  --key FILE       Signs with this private key (PEM, ECDSA P-256); or its text in CHAINCTL_RELEASE_KEY
  --base-url URL   Where the folder will be served; the executables look for updates there
  --version V      Instead of the version in package.json
  --executables    Executables only: no packages, no folder for a web server
`;

async function main() {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: 'release' },
      target: { type: 'string', multiple: true },
      key: { type: 'string' },
      'base-url': { type: 'string', default: '' },
      version: { type: 'string' },
      executables: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const chosen = chosenTargets(values.target);
  const key = releaseKey(values.key);
  const baseUrl = values['base-url'].replace(/\/+$/, '');
  const build = { ...describeBuild(), ...(values.version === undefined ? {} : { version: values.version }) };
  if (!/^\d+\.\d+\.\d+(?:-[0-9a-z.-]+)?$/.test(build.version)) {
    throw new Error(`release: "${build.version}" is no version; write it like 1.2.3, without a v`);
  }
  const release = { publicKey: key === undefined ? '' : publicKeyOf(key), updateUrl: baseUrl };
  const out = resolve(values.out);
  const folder = values.executables ? out : join(out, build.version);
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'chainctl-release-'));
  try {
    const modules = new Set();
    const prepared = await prepare();
    for (const target of chosen) {
      const made = await timed(target.file, () => buildExecutable(target, { folder, work, build, release, prepared }));
      for (const module of made.modules) modules.add(module);
    }
    if (values.executables) return;
    await timed('packages', () => addPackages({ folder, work, build, chosen, modules, release, baseUrl }));
    sealed(folder, { build, key });
    layOut(out, folder, key);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  console.log(`${chosen.length} of ${targets.length} targets, version ${build.version}, in ${folder}`);
  if (key === undefined) console.log('not signed: give --key, or users can neither verify nor update');
}

function chosenTargets(names) {
  if (names === undefined) return targets;
  return names.map((name) => {
    const found = targets.find((target) => target.name === name);
    if (found !== undefined) return found;
    throw new Error(`release: there is no target "${name}"; there are ${targets.map((each) => each.name).join(', ')}`);
  });
}

async function timed(name, work) {
  const started = Date.now();
  const result = await work();
  console.log(`${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  return result;
}

async function addPackages({ folder, work, build, chosen, modules, release, baseUrl }) {
  for (const target of chosen) {
    if (target.alias !== undefined) secondName(join(folder, target.file), join(folder, target.alias));
  }
  const npm = packForNpm({ folder, work, build });
  const built = new Date(build.date || 0);
  const share = shareFiles(npm.program);
  writeFileSync(join(folder, 'chainctl_share.tar.gz'), await tarball(share, built));
  for (const target of chosen) {
    const architecture = { linux_x86_64: 'amd64', linux_arm64: 'arm64' }[target.name];
    if (architecture === undefined) continue;
    const bytes = readFileSync(join(folder, target.file));
    await writeDebianPackage(join(folder, `chainctl_${build.version}_${architecture}.deb`), {
      version: build.version,
      architecture,
      built,
      maintainer: 'The chainctl authors <chainctl@localhost>',
      files: [
        { path: 'usr/bin/chainctl', bytes, mode: 0o755 },
        { path: 'usr/bin/docker-credential-cgr', link: 'chainctl' },
        { path: 'usr/bin/kubelet-credential-provider-cgr', link: 'chainctl' },
        { path: 'usr/share/doc/chainctl/copyright', bytes: readFileSync(join(root, 'LICENSE')) },
        ...share.map((file) => ({ ...file, path: `usr/share/${file.path}` })),
      ],
    });
  }
  writeFileSync(join(folder, 'install.sh'), installScript({ baseUrl, publicKey: release.publicKey }), { mode: 0o755 });
  const sums = sumsOf(
    folder,
    chosen.map((target) => target.file),
  );
  const document = sbom({ build, modules: [...modules], targets: chosen, sums });
  writeFileSync(join(folder, 'chainctl.spdx.json'), `${JSON.stringify(document, null, 1)}\n`);
  // Both name every system, so they belong to a whole release.
  if (chosen.length < targets.length || baseUrl === '') return;
  writeFileSync(join(folder, 'chainctl.rb'), homebrewFormula({ version: build.version, baseUrl, sums }));
  writeFileSync(join(folder, 'chainctl.json'), scoopManifest({ version: build.version, baseUrl, sums }));
}

/** A second name for the same file, which every web server serves and `cp -r` copies. */
function secondName(from, to) {
  rmSync(to, { force: true });
  linkSync(from, to);
}

/** Completions and man pages, paths below `share`. */
function shareFiles(program) {
  const script = (shell) => execFileSync(process.execPath, [program, 'completion', shell]);
  const man = join(root, 'share', 'man');
  const pages = existsSync(man) ? readdirSync(man, { recursive: true, withFileTypes: true }) : [];
  return [
    { path: 'bash-completion/completions/chainctl', bytes: script('bash') },
    { path: 'zsh/site-functions/_chainctl', bytes: script('zsh') },
    { path: 'fish/vendor_completions.d/chainctl.fish', bytes: script('fish') },
    ...pages
      .filter((page) => page.isFile())
      .map((page) => ({
        path: join('man', page.parentPath.slice(man.length + 1), page.name),
        bytes: readFileSync(join(page.parentPath, page.name)),
      })),
  ];
}

function installScript({ baseUrl, publicKey }) {
  return readFileSync(join(root, 'scripts', 'release', 'install.sh'), 'utf8')
    .replace('@BASE_URL@', baseUrl)
    .replace('@PUBLIC_KEY@', publicKey.trim());
}

function sumsOf(folder, names) {
  return Object.fromEntries(
    names.map((name) => {
      const bytes = readFileSync(join(folder, name));
      const sum = (kind) => createHash(kind).update(bytes).digest('hex');
      return [name, { size: bytes.length, sha256: sum('sha256'), sha1: sum('sha1') }];
    }),
  );
}

/** The list of everything, which `update` and people verify: what is not in it is not part of the release. */
function sealed(folder, { build, key }) {
  const own = /\.sig$|^chainctl_checksums\.txt$|^metadata\.json$/;
  for (const name of readdirSync(folder)) if (own.test(name)) rmSync(join(folder, name));
  const names = readdirSync(folder)
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
  const sums = sumsOf(folder, names);
  const checksums = names.map((name) => `${sums[name].sha256}  ${name}\n`).join('');
  writeFileSync(join(folder, 'chainctl_checksums.txt'), checksums);
  const metadata = {
    version: build.version,
    released: build.date,
    commit: build.commit,
    files: names.map((name) => ({ name, size: sums[name].size, sha256: sums[name].sha256 })),
  };
  writeFileSync(join(folder, 'metadata.json'), `${JSON.stringify(metadata, null, 1)}\n`);
  if (key === undefined) return;
  for (const name of [...names, 'chainctl_checksums.txt', 'metadata.json']) signFile(join(folder, name), key);
}

/** `latest` and what is not of one version. */
function layOut(out, folder, key) {
  const latest = join(out, 'latest');
  const fresh = join(out, `.latest.${process.pid}`);
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh);
  for (const name of readdirSync(folder)) linkSync(join(folder, name), join(fresh, name));
  rmSync(latest, { recursive: true, force: true });
  renameSync(fresh, latest);
  cpSync(join(folder, 'install.sh'), join(out, 'install.sh'));
  cpSync(join(root, 'CHANGELOG.md'), join(out, 'CHANGELOG.md'));
  if (key !== undefined) writeFileSync(join(out, 'chainctl.pub'), publicKeyOf(key));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
