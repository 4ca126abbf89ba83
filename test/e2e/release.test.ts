// A whole release for this machine, made as releases are, served from loopback, installed, updated and rolled back. Files
// for other systems are checked by their headers and signatures: they cannot run here. CHAINCTL_RELEASE names a folder of
// executables that were built already; without it only one foreign one is built.

import { execFileSync, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type Environment, projectRoot, type Ran, runProcess, until } from '../support/program.ts';

const world = createWorld();
const out = world.path('releases');
/** Outside of what is searched for secrets: a key is what these files are for. */
const keys = mkdtempSync(join(tmpdir(), 'chainctl-release-keys-'));
const keyFile = join(keys, 'release.key');
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const target = process.arch === 'arm64' ? 'linux_arm64' : 'linux_x86_64';
const file = `chainctl_${target}`;
/** Answers in place of files, by path. */
const instead = new Map<string, (response: ServerResponse) => void>();
let url: string;

const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url ?? '', 'http://here').pathname);
  const own = instead.get(path);
  if (own !== undefined) return own(response);
  const found = join(out, path);
  if (path.includes('..') || !existsSync(found) || !statSync(found).isFile()) return void response.writeHead(404).end();
  response.writeHead(200, { 'content-length': statSync(found).size });
  createReadStream(found).pipe(response);
});

async function release(...flags: string[]): Promise<Ran> {
  const words = [join(projectRoot, 'scripts', 'release.mjs'), ...flags];
  const ran = await runProcess(process.execPath, words, process.env, { timeoutMs: 280_000 });
  if (ran.code !== 0) throw new Error(ran.out + ran.err);
  return ran;
}

beforeAll(async () => {
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const version of ['1.0.0', '1.1.0']) {
    await release('--out', out, '--target', target, '--key', keyFile, '--base-url', url, '--version', version);
  }
}, 600_000);

afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(keys, { recursive: true, force: true });
});

const read = (...path: string[]) => readFileSync(join(out, ...path));
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Somebody with an empty home and nothing on PATH but the system. */
function newcomer(): { home: string; env: Environment; run(command: string, env?: Environment): Promise<Ran> } {
  const home = world.path('newcomer');
  mkdirSync(home);
  const env = { HOME: home, PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };
  return {
    home,
    env,
    run: (command, more = {}) => runProcess('/bin/sh', ['-c', command], { ...env, ...more }, { cwd: home }),
  };
}

describe('the folder', () => {
  test('names every file with its checksum and signature, and nothing else', () => {
    const names = readdirSync(join(out, '1.1.0'));
    const signed = names.filter((name) => !name.endsWith('.sig'));
    for (const name of signed) expect(names, name).toContain(`${name}.sig`);
    const listed = Object.fromEntries(
      read('1.1.0', 'chainctl_checksums.txt')
        .toString()
        .trim()
        .split('\n')
        .map((line) => line.split('  ').reverse()),
    );
    const own = ['chainctl_checksums.txt', 'metadata.json'];
    expect(Object.keys(listed).sort()).toEqual(signed.filter((name) => !own.includes(name)).sort());
    const metadata = JSON.parse(read('1.1.0', 'metadata.json').toString());
    expect(metadata.version).toBe('1.1.0');
    for (const { name, size, sha256: sum } of metadata.files) {
      const bytes = read('1.1.0', name);
      expect({ name, size, sum }).toEqual({ name, size: bytes.length, sum: sha256(bytes) });
      expect(listed[name]).toBe(sum);
    }
  });

  test('its signatures are what openssl takes, and cosign where it is', () => {
    const path = join(out, '1.1.0', 'metadata.json');
    const der = world.path('signature.der');
    writeFileSync(der, Buffer.from(readFileSync(`${path}.sig`, 'utf8'), 'base64'));
    const key = join(out, 'chainctl.pub');
    const verify = ['dgst', '-sha256', '-verify', key, '-signature', der, path];
    expect(execFileSync('openssl', verify, { encoding: 'utf8' })).toBe('Verified OK\n');
    try {
      execFileSync('sh', ['-c', 'command -v cosign']);
    } catch {
      return;
    }
    const words = ['verify-blob', '--key', key, '--signature', `${path}.sig`, '--insecure-ignore-tlog=true', path];
    execFileSync('cosign', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  });

  test('the list of parts names the runtime, the packages inside and the files', () => {
    const sbom = JSON.parse(read('1.1.0', 'chainctl.spdx.json').toString());
    expect(sbom).toMatchObject({ spdxVersion: 'SPDX-2.3', dataLicense: 'CC0-1.0', SPDXID: 'SPDXRef-DOCUMENT' });
    const names = sbom.packages.map(({ name }: { name: string }) => name);
    for (const name of ['chainctl', 'commander', 'yaml', 'undici', 'jose']) expect(names).toContain(name);
    expect(names.some((name: string) => name.startsWith('@oven/bun-linux'))).toBe(true);
    const ids = [...sbom.packages, ...sbom.files].map(({ SPDXID }: { SPDXID: string }) => SPDXID);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { spdxElementId, relatedSpdxElement } of sbom.relationships) {
      expect([...ids, 'SPDXRef-DOCUMENT']).toContain(spdxElementId);
      expect(ids).toContain(relatedSpdxElement);
    }
    expect(sbom.files[0].checksums[0].checksumValue).toBe(sha256(read('1.1.0', file)));
  });

  // The first was made before anything else here, so an edit of the sources meanwhile shows as a difference.
  test('a second build of the same commit is the same, but for the signatures', async () => {
    const again = world.path('again');
    await release('--out', again, '--target', target, '--key', keyFile, '--base-url', url, '--version', '1.1.0');
    const names = readdirSync(join(out, '1.1.0'));
    expect(readdirSync(join(again, '1.1.0'))).toEqual(names);
    const differing = names.filter((name) => !readFileSync(join(again, '1.1.0', name)).equals(read('1.1.0', name)));
    // What V8 compiles is not the same twice (docs/release.md), and two files name the hash of the package that has it.
    const named = ['chainctl-1.1.0.tgz', 'chainctl_checksums.txt', 'metadata.json'];
    expect(differing.filter((name) => !name.endsWith('.sig') && !named.includes(name))).toEqual([]);
    const [first, second] = [out, again].map((folder, index) => {
      const to = world.path(`package-${index}`);
      mkdirSync(to);
      execFileSync('tar', ['-xzf', join(folder, '1.1.0', 'chainctl-1.1.0.tgz'), '-C', to]);
      rmSync(join(to, 'package', 'dist', 'code'), { recursive: true });
      return filesBelow(to);
    });
    expect(second).toEqual(first);
    rmSync(again, { recursive: true });
  });

  test('wrong words and keys are refused before anything is built', async () => {
    const refused = (...flags: string[]) => release('--out', world.path('none'), ...flags);
    await expect(refused('--target', 'beos')).rejects.toThrow(/there is no target "beos"; there are linux_x86_64, /);
    await expect(refused('--version', 'v1')).rejects.toThrow(/"v1" is no version/);
    const rsa = join(keys, 'rsa.key');
    const { privateKey: other } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(rsa, other.export({ type: 'pkcs8', format: 'pem' }));
    await expect(refused('--key', rsa)).rejects.toThrow(/is not ECDSA on P-256; make one with `openssl genpkey/);
  });
});

/** Hash of each file, by its path. */
function filesBelow(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), createHash('sha256').update(readFileSync(path)).digest('hex')];
    }),
  );
}

describe('nothing of the folder or of variables for its runtime is obeyed', () => {
  const folder = world.path('trap');
  const program = () => join(out, '1.1.0', file);

  beforeAll(() => {
    mkdirSync(folder);
    const shout = `require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'sprung'))}, 'x');\n`;
    writeFileSync(join(folder, 'trap.js'), shout);
    writeFileSync(join(folder, 'trap.cjs'), shout);
  });

  test.each<[string, Environment, Record<string, string>]>([
    ['.env', {}, { '.env': 'CHAINCTL_CONFIG=/nowhere/at/all\n', '.env.local': 'CHAINCTL_CONFIG=/nowhere/at/all\n' }],
    ['bunfig.toml', {}, { 'bunfig.toml': 'preload = ["./trap.js"]\n' }],
    ['package.json and tsconfig.json', {}, { 'package.json': '{ "imports"', 'tsconfig.json': '{ "extends": "./none"' }],
    ['BUN_OPTIONS', { BUN_OPTIONS: '--preload=./trap.js' }, {}],
    ['BUN_BE_BUN', { BUN_BE_BUN: '1' }, {}],
    ['BUN_INSPECT_PRELOAD', { BUN_INSPECT_PRELOAD: './trap.js' }, {}],
    ['NODE_OPTIONS', { NODE_OPTIONS: '--require=./trap.cjs' }, {}],
  ])('%s', async (_what, env, files) => {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const { env: own } = newcomer();
    const ran = await runProcess(program(), ['config', 'view', '-o', 'json'], { ...own, ...env }, { cwd: folder });
    for (const name of Object.keys(files)) rmSync(join(folder, name));
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(ran.out)).toHaveProperty('default');
    expect(existsSync(join(folder, 'sprung'))).toBe(false);
  });
});

describe('installing', () => {
  test.each(['dash', 'busybox sh', 'bash'])(
    'by %s: into ~/.local/bin, checked, with helpers and completions',
    async (shell) => {
      const { home, run } = newcomer();
      const ran = await run(`${shell} '${join(out, 'install.sh')}'`);
      expect(ran, ran.err).toMatchObject({ code: 0, err: '' });
      const bin = join(home, '.local', 'bin');
      expect(ran.out).toContain(`chainctl 1.1.0 is installed: ${bin}/chainctl`);
      expect(ran.out).toMatch(/^Checked: checksum and signature \((cosign|openssl)\)\.$/m);
      expect(ran.out).toContain(`export PATH="${bin}:$PATH"`);
      expect((await run('.local/bin/chainctl version')).out).toMatch(/GitVersion: +1\.1\.0\n/);
      expect((await run('.local/bin/docker-credential-cgr version')).out).toBe(
        'docker-credential-cgr (chainctl) 1.1.0\n',
      );
      expect(readFileSync(join(home, '.local/share/bash-completion/completions/chainctl'), 'utf8')).toContain(
        'complete -F',
      );
      expect(readdirSync(bin).sort()).toEqual(['chainctl', 'docker-credential-cgr', 'kubelet-credential-provider-cgr']);
    },
  );

  test('another version, folder and address', async () => {
    const { home, run } = newcomer();
    const flags = `--version v1.0.0 --dir='${home}/my bin' --base-url ${url}/`;
    expect(await run(`sh '${join(out, 'install.sh')}' ${flags}`)).toMatchObject({ code: 0 });
    expect((await run('"my bin/chainctl" version')).out).toMatch(/GitVersion: +1\.0\.0\n/);
  });

  test.each<[string, string, string | undefined, RegExp]>([
    [
      'a file with other bytes',
      '',
      `/1.1.0/${file}`,
      /the checksum of chainctl_linux_\w+ is wrong; nothing was installed/,
    ],
    [
      'other checksums',
      '',
      '/1.1.0/chainctl_checksums.txt',
      /the signature of the checksums is wrong; nothing was installed/,
    ],
    ['an address in the open', '--base-url http://example.com', undefined, /must be at an https address/],
    ['no such version', '--version 9.9.9', undefined, /could not download .*9\.9\.9/],
    ['a version that is a path', '--version ../1.0.0', undefined, /is no version/],
    ['a flag without its value', '--dir', undefined, /--dir needs a value/],
    ['an unknown flag', '--frob', undefined, /unknown argument: --frob/],
  ])('%s: one sentence, and nothing is there', async (_what, flags, path, sentence) => {
    const { home, run } = newcomer();
    if (path !== undefined) instead.set(path, (response) => response.end('0'.repeat(64)));
    const ran = await run(`dash '${join(out, 'install.sh')}' ${flags}`);
    instead.clear();
    expect(ran.code).toBe(1);
    expect(ran.err.trimEnd().split('\n').at(-1)).toMatch(sentence);
    expect(existsSync(join(home, '.local', 'bin', 'chainctl'))).toBe(false);
  });

  test.each([
    ['musl libc (x86_64)', /libstdc\+\+ is missing|has no chainctl_linux_\w+_musl$/],
    ['ldd (Debian GLIBC 2.36-9) 2.36', /^$/],
  ])('the C library of the system decides, whatever else is installed: %s', async (said, err) => {
    const { home, env, run } = newcomer();
    mkdirSync(join(home, 'stand-in'));
    writeFileSync(join(home, 'stand-in', 'ldd'), `#!/bin/sh\necho '${said}' >&2\n`, { mode: 0o755 });
    const ran = await run(`curl -fsSL ${url}/install.sh | sh`, { PATH: `${home}/stand-in:${env['PATH']}` });
    expect(ran.err.trim()).toMatch(err);
    expect(existsSync(join(home, '.local/bin/chainctl'))).toBe(ran.code === 0);
  });

  test('by hand, as guides of 2022 say, and as the setup action does', async () => {
    const { run } = newcomer();
    const guide = await run(
      'wget -q -O chainctl "$BASE_URL/chainctl_$(uname -s)_$(uname -m)" && chmod +x chainctl && alias chainctl=$PWD/chainctl && ./chainctl version && ./chainctl config view',
      { BASE_URL: `${url}/latest` },
    );
    expect(guide.code, guide.err).toBe(0);
    expect(guide.out).toContain('GitVersion:');
    const action = await run(
      `set -e; curl -fsSLO ${url}/latest/${file}; curl -fsSLO ${url}/latest/chainctl_checksums.txt
       grep ' ${file}$' chainctl_checksums.txt | sha256sum --check --strict; chmod +x ${file}; ./${file} version`,
    );
    expect(action.out).toMatch(/: OK\n[\s\S]*GitVersion:/);
  });

  test('the Debian package', async () => {
    const { home, run } = newcomer();
    const [deb = ''] = readdirSync(join(out, '1.1.0')).filter((name) => name.endsWith('.deb'));
    expect(await run(`dpkg-deb -x '${join(out, '1.1.0', deb)}' .`)).toMatchObject({ code: 0, err: '' });
    expect((await run('usr/bin/docker-credential-cgr version')).out).toContain('1.1.0');
    expect(existsSync(join(home, 'usr/share/bash-completion/completions/chainctl'))).toBe(true);
    const control = await run(`dpkg-deb -f '${join(out, '1.1.0', deb)}'`);
    expect(control.out).toMatch(/Package: chainctl\nVersion: 1\.1\.0\n/);
  });

  test('the npm package runs on Node, and says who updates it', async () => {
    const { home, run } = newcomer();
    const path = { PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` };
    const install = `npm install --silent --no-audit --no-fund --offline --omit=optional --global --prefix '${home}'`;
    expect(await run(`${install} '${join(out, '1.1.0', 'chainctl-1.1.0.tgz')}'`, path)).toMatchObject({ code: 0 });
    expect((await run('bin/chainctl version', path)).out).toMatch(/GitVersion: +1\.1\.0\n/);
    const refused = await run('bin/chainctl update', path);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('hint: run `npm install --global chainctl@latest`');
  });
});

describe('updating', () => {
  function installed(): ReturnType<typeof newcomer> & { program: string; bin: string } {
    const person = newcomer();
    const bin = join(person.home, 'bin');
    mkdirSync(bin);
    const program = join(bin, 'chainctl');
    copyFileSync(join(out, '1.0.0', file), program);
    chmodSync(program, 0o755);
    return { ...person, program, bin };
  }

  /** A signed release of a version with this program in it, until the returned function takes it away. */
  function offer(version: string, bytes: Buffer): () => void {
    const files = [{ name: file, size: bytes.length, sha256: sha256(bytes) }];
    const metadata = JSON.stringify({ version, files });
    const signature = sign('sha256', Buffer.from(metadata), privateKey).toString('base64');
    instead.set('/latest/metadata.json', (response) => response.end(metadata));
    instead.set('/latest/metadata.json.sig', (response) => response.end(signature));
    instead.set(`/${version}/${file}`, (response) => response.end(bytes));
    return () => instead.clear();
  }

  test('from one release to the next, by a link, and back', async () => {
    const { home, bin, program, run } = installed();
    symlinkSync(program, join(home, 'chainctl'));
    const check = await run('./chainctl update --check -o json');
    expect(JSON.parse(check.out)).toMatchObject({ currentVersion: '1.0.0', latestVersion: '1.1.0', updated: false });
    expect(await run('./chainctl update </dev/null'), 'nobody said yes').toMatchObject({ code: 2 });
    expect((await run('./chainctl version')).out).toContain('1.0.0');

    const ran = await run('echo y | ./chainctl update');
    expect(ran.code, ran.err).toBe(0);
    for (const line of [
      /^Current version: +v1\.0\.0$/m,
      /^Latest version: +1\.1\.0$/m,
      /^Download URL: +http:.*\/1\.1\.0\/chainctl_linux_/m,
      /^chainctl filepath: +.*\/bin\/chainctl$/m,
      /^✔ Download complete!$/m,
      /^Update complete! ⛓$/m,
      /^GitVersion: +1\.1\.0$/m,
      /rm -f .*\/\.cache\/chainguard\/chainctl\.bak$/m,
    ]) {
      expect(ran.err).toMatch(line);
    }
    expect((await run('./chainctl version')).out).toContain('1.1.0');
    expect((await run('.cache/chainguard/chainctl.bak version')).out).toContain('1.0.0');
    expect(readdirSync(bin)).toEqual(['chainctl']);

    expect((await run('./chainctl update')).err).toContain('chainctl is up to date');
    expect((await run('./chainctl update --version 1.0.0 --yes')).code).toBe(0);
    expect((await run('./chainctl version')).out).toContain('1.0.0');
  });

  test.each([
    ['fails', '#!/bin/sh\nexit 3\n'],
    ['is for another system', '\x7fELF\x02\x01\x01'],
  ])('a release that %s is rolled back', async (_, content) => {
    const { bin, run } = installed();
    const withdraw = offer('1.2.0', Buffer.from(content, 'latin1'));
    const ran = await run('bin/chainctl update --yes');
    withdraw();
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('error: The new program does not answer, so the old one is back in place');
    expect((await run('bin/chainctl version')).out).toContain('1.0.0');
    expect(readdirSync(bin)).toEqual(['chainctl']);
  });

  test('the key is the one inside: neither the feed nor a variable brings another', async () => {
    const { run } = installed();
    const { privateKey: other } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const metadata = read('latest', 'metadata.json');
    instead.set('/latest/metadata.json.sig', (response) =>
      response.end(sign('sha256', metadata, other).toString('base64')),
    );
    const ran = await run('bin/chainctl update --yes', { CHAINCTL_UPDATE_KEY: 'x', CHAINCTL_RELEASE_KEY: 'x' });
    instead.clear();
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/^error: The signature of .*metadata\.json is wrong; nothing was changed$/m);
  });

  test('a full disk leaves the old one', async () => {
    const { bin, run } = installed();
    // No file may grow beyond that, which is what a full disk does to a download.
    const ran = await run('ulimit -f 20000; trap "" XFSZ; exec bin/chainctl update --yes');
    expect(ran.code).not.toBe(0);
    expect(ran.err).toMatch(/^error: Cannot write ".*": /m);
    expect((await run('bin/chainctl version')).out).toContain('1.0.0');
    expect(readdirSync(bin)).toEqual(['chainctl']);
  });

  test.skipIf(process.getuid?.() !== 0)(
    'a folder of somebody else: who may do it, before anything is fetched',
    async () => {
      const { bin, run } = installed();
      chmodSync(world.root, 0o755);
      const ran = await run('setpriv --reuid=65534 --clear-groups bin/chainctl update --yes', { HOME: '/nonexistent' });
      expect(ran.code).toBe(1);
      expect(ran.err).toMatch(/Cannot write ".*bin\/chainctl"/);
      expect(ran.err).toContain('hint: run `sudo chainctl update`');
      expect(readdirSync(bin)).toEqual(['chainctl']);
    },
  );

  test('killed in the middle: the old one works, and the next update tidies up', async () => {
    const { bin, program, env, home, run } = installed();
    instead.set(`/1.1.0/${file}`, (response) => {
      response.writeHead(200);
      response.write(read('1.1.0', file).subarray(0, 1_000_000));
    });
    const child = spawn(program, ['update', '--yes'], { env, cwd: home, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await until(() => readdirSync(bin).length === 2, 'the download begins');
    child.kill('SIGKILL');
    await ended;
    instead.clear();
    expect((await run('bin/chainctl version')).out).toContain('1.0.0');
    // The lock of the killed one is believed for a while.
    await until(async () => (await run('bin/chainctl update --yes')).code === 0, 'the lock counts as left', 60_000);
    expect((await run('bin/chainctl version')).out).toContain('1.1.0');
    expect(readdirSync(bin)).toEqual(['chainctl']);
  });
});

describe('files for other package managers', () => {
  const baseUrl = 'https://example.com/chainctl';
  const systems = { darwin: 'macos', linux: 'linux' };
  const processors = { arm64: 'arm', x86_64: 'intel' };

  async function formulas() {
    const { homebrewFormula, scoopManifest } = await import(join(projectRoot, 'scripts/release/formulas.mjs'));
    const { targets } = await import(join(projectRoot, 'scripts/release/targets.mjs'));
    const sums: Record<string, { sha256: string }> = Object.fromEntries(
      targets.map(({ file }: { file: string }) => [file, { sha256: sha256(Buffer.from(file)) }]),
    );
    const facts = { version: '1.2.3', baseUrl, sums };
    return { formula: homebrewFormula(facts) as string, manifest: JSON.parse(scoopManifest(facts)), sums };
  }

  test('Ruby reads the formula, and takes the file of each system from it', async () => {
    const { formula, sums } = await formulas();
    const path = world.path('chainctl.rb');
    writeFileSync(path, formula);
    const reader = world.path('reader.rb');
    writeFileSync(reader, formulaReader);
    expect(execFileSync('ruby', ['-wc', path], { encoding: 'utf8' })).toBe('Syntax OK\n');
    for (const [system, os] of Object.entries(systems)) {
      for (const [processor, cpu] of Object.entries(processors)) {
        const name = `chainctl_${system}_${processor}`;
        const told = JSON.parse(execFileSync('ruby', [reader, path, os, cpu], { encoding: 'utf8' }));
        expect(told).toMatchObject({ version: '1.2.3', license: 'Apache-2.0', homepage: baseUrl });
        expect(told).toMatchObject({ url: `${baseUrl}/1.2.3/${name}`, sha256: sums[name]?.sha256 });
        // As \`brew style\` wants it: no article first, no full stop, and not too long.
        expect(told.desc).toMatch(/^(?!An? |The )[A-Z].{10,78}[^.]$/);
      }
    }
  });

  test('the Scoop manifest has what its schema knows, and the files of Windows', async () => {
    const { manifest, sums } = await formulas();
    // https://github.com/ScoopInstaller/Scoop/blob/master/schema.json
    const known = ['version', 'description', 'homepage', 'license', 'architecture', 'bin', 'checkver'];
    expect(Object.keys(manifest).filter((key) => !known.includes(key))).toEqual([]);
    for (const [architecture, processor] of [
      ['64bit', 'x86_64'],
      ['arm64', 'arm64'],
    ] as const) {
      const name = `chainctl_windows_${processor}.exe`;
      // Behind the hash stands what the download is called.
      const place = { url: `${baseUrl}/1.2.3/${name}#/chainctl.exe`, hash: sums[name]?.sha256 };
      expect(manifest.architecture[architecture]).toEqual(place);
    }
    const shims = manifest.bin.filter((each: unknown) => typeof each !== 'string');
    for (const [program, shim, word] of shims) expect([program, word]).toEqual(['chainctl.exe', `__${shim}`]);
    expect(manifest.checkver).toEqual({ url: `${baseUrl}/latest/metadata.json`, jsonpath: '$.version' });
  });
});

/** What Homebrew offers a formula, as far as this one uses it; prints what holds for a system and a processor. */
const formulaReader = `
require 'json'
path, os, cpu = ARGV
class Formula
  class << self
    attr_reader :told
    %i[desc homepage version license url sha256].each { |name| define_method(name) { |value| (@told ||= {})[name] = value } }
    def test; end
  end
end
{ on_macos: os == 'macos', on_linux: os == 'linux', on_arm: cpu == 'arm', on_intel: cpu == 'intel' }.each do |name, holds|
  Formula.define_singleton_method(name) { |&block| instance_eval(&block) if holds }
end
load path
puts JSON.generate(Chainctl.told)
`;

describe('files for other systems', () => {
  const folder = process.env['CHAINCTL_RELEASE'] ?? world.path('foreign');

  beforeAll(async () => {
    if (process.env['CHAINCTL_RELEASE'] !== undefined) return;
    await release('--executables', '--out', folder, '--target', 'darwin_x86_64', '--key', keyFile);
  }, 300_000);

  const built = () =>
    readdirSync(folder).filter((name) => /^chainctl_(linux|darwin|windows)_[a-z0-9_]+(\.exe)?$/.test(name));

  test('are what their names say', () => {
    expect(built().length).toBeGreaterThan(0);
    for (const name of built()) {
      const head = readFileSync(join(folder, name)).subarray(0, 4096);
      if (name.includes('linux')) {
        expect(head.toString('latin1', 0, 4), name).toBe('\x7fELF');
        expect(head.readUInt16LE(18), name).toBe(name.includes('arm64') ? 183 : 62);
        const text = head.toString('latin1');
        expect(text.includes('/ld-musl-'), name).toBe(name.endsWith('_musl'));
      } else if (name.includes('darwin')) {
        expect(head.readUInt32LE(0), name).toBe(0xfeedfacf);
        expect(head.readUInt32LE(4), name).toBe(name.includes('arm64') ? 0x0100000c : 0x01000007);
      } else {
        const pe = head.readUInt32LE(0x3c);
        expect(head.toString('latin1', pe, pe + 4), name).toBe('PE\0\0');
        expect(head.readUInt16LE(pe + 4), name).toBe(name.includes('arm64') ? 0xaa64 : 0x8664);
      }
    }
  });

  test('macOS finds the hash of every page in the signature', () => {
    const names = built().filter((name) => name.includes('darwin'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expectSigned(readFileSync(join(folder, name)), name);
  });
});

/** Reads the signature as the kernel does: load command, super blob, code directory, one SHA-256 a page. */
function expectSigned(bytes: Buffer, name: string): void {
  let at = 32;
  let offset = 0;
  let size = 0;
  let linkeditEnd = 0;
  for (let left = bytes.readUInt32LE(16); left > 0; left -= 1) {
    const kind = bytes.readUInt32LE(at);
    if (kind === 0x1d) [offset, size] = [bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12)];
    if (kind === 0x19 && bytes.toString('latin1', at + 8, at + 18) === '__LINKEDIT') {
      linkeditEnd = Number(bytes.readBigUInt64LE(at + 40) + bytes.readBigUInt64LE(at + 48));
    }
    at += bytes.readUInt32LE(at + 4);
  }
  expect(offset + size, `${name}: the signature ends the file`).toBe(bytes.length);
  expect(linkeditEnd, `${name}: and its last segment`).toBe(bytes.length);
  const blob = bytes.subarray(offset);
  expect(blob.readUInt32BE(0)).toBe(0xfade0cc0);
  const directory = blob.subarray(blob.readUInt32BE(16));
  expect(directory.readUInt32BE(0)).toBe(0xfade0c02);
  expect(directory.readUInt32BE(12) & 2, `${name}: ad hoc`).toBe(2);
  expect(directory.readUInt32BE(32), `${name}: everything before the signature is covered`).toBe(offset);
  const hashes = directory.subarray(directory.readUInt32BE(16));
  const pageSize = 2 ** directory.readUInt8(39);
  const pages = directory.readUInt32BE(28);
  expect(pages).toBe(Math.ceil(offset / pageSize));
  for (let page = 0; page < pages; page += 1) {
    const content = bytes.subarray(page * pageSize, Math.min((page + 1) * pageSize, offset));
    const wanted = hashes.subarray(page * 32, page * 32 + 32).toString('hex');
    if (sha256(content) !== wanted) throw new Error(`${name}: page ${page} has another hash`);
  }
}
