import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkDockerConfig, dockerConfigPath, setAuth, setCredHelper } from '../../src/docker/docker-config.ts';
import { installHelper } from '../../src/docker/install-helper.ts';
import { type FakeHost, type FakeHostOptions, fakeHost } from '../support/fake-host.ts';

const user = `${'a'.repeat(40)}/${'b'.repeat(16)}`;

function put(host: FakeHost, text: string): string {
  const path = dockerConfigPath(host);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

describe('the helper’s entry', () => {
  test('a new file is Docker’s own layout, for its owner only', async () => {
    const host = fakeHost();
    const path = join(host.home(), '.docker', 'config.json');
    expect(await setCredHelper(host, 'cgr.dev', 'cgr')).toEqual({ path, changed: true });
    expect(readFileSync(path, 'utf8')).toBe('{\n\t"credHelpers": {\n\t\t"cgr.dev": "cgr"\n\t}\n}\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(path))).toEqual(['config.json']);
    expect(await setCredHelper(host, 'cgr.dev', 'cgr')).toEqual({ path, changed: false });
  });

  test('DOCKER_CONFIG names the folder; a port stays part of the host', async () => {
    const host = fakeHost({ env: { DOCKER_CONFIG: 'conf' } });
    const { path } = await setCredHelper(host, 'localhost:5000', 'cgr');
    expect(path).toBe(join(host.cwd, 'conf', 'config.json'));
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ credHelpers: { 'localhost:5000': 'cgr' } });
  });

  test.each([
    [
      'two blanks',
      '{\n  "b": 1,\n  "auths": {\n    "x": {}\n  },\n  "a": [1,2]\n}\n',
      ',\n  "credHelpers": {\n    "cgr.dev": "cgr"\n  }\n}\n',
    ],
    ['tabs, no newline at the end', '{\n\t"a": 1\n}', ',\n\t"credHelpers": {\n\t\t"cgr.dev": "cgr"\n\t}\n}'],
    [
      'Windows line ends',
      '{\r\n    "a": 1\r\n}\r\n',
      ',\r\n    "credHelpers": {\r\n        "cgr.dev": "cgr"\r\n    }\r\n}\r\n',
    ],
  ])('the layout stays: %s', async (_name, before, added) => {
    const host = fakeHost();
    const path = put(host, before);
    await setCredHelper(host, 'cgr.dev', 'cgr');
    expect(readFileSync(path, 'utf8')).toBe(before.replace(/\r?\n\}\r?\n?$/, added));
  });

  test('one line stays one line, and other helpers stay', async () => {
    const host = fakeHost();
    const path = put(host, '{"credHelpers":{"gcr.io":"gcloud","cgr.dev":"old"},"z":0}');
    await setCredHelper(host, 'cgr.dev', 'cgr');
    expect(readFileSync(path, 'utf8')).toBe('{"credHelpers":{"gcr.io":"gcloud","cgr.dev":"cgr"},"z":0}');
  });

  test('permissions and a symbolic link stay', async () => {
    const host = fakeHost();
    const real = join(host.root, 'dotfiles.json');
    writeFileSync(real, '{}');
    chmodSync(real, 0o640);
    mkdirSync(dirname(dockerConfigPath(host)));
    symlinkSync(real, dockerConfigPath(host));
    await setCredHelper(host, 'cgr.dev', 'cgr');
    expect(lstatSync(dockerConfigPath(host)).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(real, 'utf8'))).toEqual({ credHelpers: { 'cgr.dev': 'cgr' } });
    expect(statSync(real).mode & 0o777).toBe(0o640);
  });

  test.each([
    ['half a document', '{"auths": {', 'is not valid JSON'],
    ['a comment', '{} // mine', 'is not valid JSON'],
    ['an array', '[]', 'does not hold an object'],
    ['helpers that are none', '{"credHelpers": []}', 'has "credHelpers" that is no object'],
    ['more levels than anybody reads', `{"a": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'is nested too deeply'],
  ])('%s is named and not touched', async (_name, text, reason) => {
    const host = fakeHost();
    const path = put(host, text);
    await expect(setCredHelper(host, 'cgr.dev', 'cgr')).rejects.toMatchObject({
      kind: 'local',
      message: `"${path}" ${reason}, so nothing was changed`,
    });
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(readdirSync(dirname(path))).toEqual(['config.json']);
  });

  test('a pipe in its place is named, and not waited for', async () => {
    const host = fakeHost();
    const path = put(host, '');
    rmSync(path);
    execFileSync('mkfifo', [path]);
    await expect(setCredHelper(host, 'cgr.dev', 'cgr')).rejects.toThrow(`"${path}" is not a plain file`);
    expect(() => checkDockerConfig(host)).toThrow('is not a plain file');
  });

  test('an empty file is an empty configuration', async () => {
    const host = fakeHost();
    const path = put(host, '');
    await setCredHelper(host, 'cgr.dev', 'cgr');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ credHelpers: { 'cgr.dev': 'cgr' } });
  });

  test('twenty at once: none is lost', async () => {
    const host = fakeHost();
    const registries = Array.from({ length: 20 }, (_, index) => `r${index}.example`);
    await Promise.all(registries.map((registry) => setCredHelper(host, registry, 'cgr')));
    const file = JSON.parse(readFileSync(dockerConfigPath(host), 'utf8'));
    expect(Object.keys(file.credHelpers).toSorted()).toEqual(registries.toSorted());
  });
});

describe('a stored login', () => {
  const encoded = Buffer.from(`${user}:secret`).toString('base64');

  test('lies in the file, and the helper of that registry makes way', async () => {
    const host = fakeHost();
    put(host, '{"credHelpers":{"cgr.dev":"cgr","gcr.io":"gcloud"},"auths":{"x":{"auth":"eA=="}}}');
    expect(await setAuth(host, 'cgr.dev', user, 'secret')).toMatchObject({ replaced: false, store: undefined });
    const file = () => JSON.parse(readFileSync(dockerConfigPath(host), 'utf8'));
    expect(file()).toEqual({
      credHelpers: { 'gcr.io': 'gcloud' },
      auths: { x: { auth: 'eA==' }, 'cgr.dev': { auth: encoded } },
    });
    expect(await setAuth(host, 'cgr.dev', user, 'other')).toMatchObject({ replaced: true });
    expect(file().auths['cgr.dev']).toEqual({ auth: Buffer.from(`${user}:other`).toString('base64') });
  });

  function withStore(script: string, options: FakeHostOptions = {}): FakeHost {
    const host = fakeHost(options);
    writeFileSync(join(host.root, 'docker-credential-vault'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    host.env['PATH'] = `${host.root}:/usr/bin:/bin`;
    put(host, '{\n  "credsStore": "vault"\n}\n');
    return host;
  }

  test('goes to the credential store that Docker uses, over its standard input', async () => {
    const host = withStore(
      '[ "$1" = get ] && { [ -e "$0.input" ] && cat "$0.input"; exit; }; echo "$@" > "$0.words"; cat > "$0.input"',
    );
    expect(await setAuth(host, 'cgr.dev', user, 'secret')).toMatchObject({ replaced: false, store: 'vault' });
    expect(readFileSync(join(host.root, 'docker-credential-vault.words'), 'utf8')).toBe('store\n');
    expect(JSON.parse(readFileSync(join(host.root, 'docker-credential-vault.input'), 'utf8'))).toEqual({
      ServerURL: 'cgr.dev',
      Username: user,
      Secret: 'secret',
    });
    const text = readFileSync(dockerConfigPath(host), 'utf8');
    expect(JSON.parse(text)).toEqual({ credsStore: 'vault', auths: { 'cgr.dev': {} } });
    expect(await setAuth(host, 'cgr.dev', user, 'secret')).toMatchObject({ replaced: true });
  });

  test('a store that keeps something else is named, and what it held before is there again', async () => {
    const cut = `f=$0.$1; [ "$1" = erase ] && { cat > /dev/null; rm "$0.store"; exit; }
[ "$1" = get ] && { cat "$0.store" 2>/dev/null; exit; }
sed 's,/[0-9a-f]*",",' > "$f"`;
    const host = withStore(cut);
    const before = readFileSync(dockerConfigPath(host), 'utf8');
    const failed = await setAuth(host, 'cgr.dev', user, 'secret').catch((error: Error) => error);
    expect(failed).toMatchObject({
      kind: 'local',
      message: 'Docker’s credential store "vault" gives back another login than it was given',
      hint: expect.stringContaining('docker-credential-vault'),
    });
    expect(readFileSync(dockerConfigPath(host), 'utf8')).toBe(before);
    const kept = join(host.root, 'docker-credential-vault.store');
    expect(existsSync(kept)).toBe(false);
    const old = JSON.stringify({ ServerURL: 'cgr.dev', Username: 'somebody', Secret: 'old' });
    writeFileSync(kept, old);
    await expect(setAuth(host, 'cgr.dev', user, 'secret')).rejects.toThrow('gives back another login');
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toEqual(JSON.parse(old));
    await expect(setAuth(withStore('cat > /dev/null'), 'cgr.dev', user, 'secret')).rejects.toThrow(
      'does not give back the login it took',
    );
  });

  test('what others write while a store is busy stays', async () => {
    const host = withStore(
      `[ "$1" = get ] && { [ -e "$0.input" ] && cat "$0.input"; exit; }
cat > "$0.input"; [ -e "$0.hold" ] && : > "$0.busy"; while [ -e "$0.hold" ]; do sleep 0.02; done`,
    );
    const busy = join(host.root, 'docker-credential-vault.busy');
    const hold = join(host.root, 'docker-credential-vault.hold');
    const letGo = () => {
      rmSync(busy);
      rmSync(hold);
    };
    writeFileSync(hold, '');
    const stored = setAuth(host, 'cgr.dev', user, 'secret');
    while (!existsSync(busy)) await new Promise((resolve) => setTimeout(resolve, 10));
    put(host, '{"credsStore":"vault","auths":{"ghcr.io":{}},"currentContext":"mine"}');
    letGo();
    expect(await stored).toMatchObject({ replaced: false, store: 'vault' });
    const file = () => JSON.parse(readFileSync(dockerConfigPath(host), 'utf8'));
    expect(file()).toEqual({
      credsStore: 'vault',
      auths: { 'ghcr.io': {}, 'cgr.dev': {} },
      currentContext: 'mine',
    });
    // Another store by then would hold no login.
    writeFileSync(hold, '');
    const again = setAuth(host, 'cgr.dev', user, 'secret');
    while (!existsSync(busy)) await new Promise((resolve) => setTimeout(resolve, 10));
    put(host, '{"credsStore":"other"}');
    letGo();
    await expect(again).rejects.toThrow('got another credential store meanwhile');
    expect(file()).toEqual({ credsStore: 'other' });
  });

  test('a store that fails or is missing: its words without the secret, nothing changed', async () => {
    const failing = withStore('cat; echo; echo "vault is locked"; exit 1');
    await expect(setAuth(failing, 'cgr.dev', user, 'secret')).rejects.toMatchObject({
      kind: 'local',
      message: expect.stringMatching(/did not take the login: .*vault is locked$/),
    });
    await expect(setAuth(failing, 'cgr.dev', user, 'secret')).rejects.not.toThrow('"secret"');
    expect(readFileSync(dockerConfigPath(failing), 'utf8')).toBe('{\n  "credsStore": "vault"\n}\n');

    const missing = fakeHost({ env: { PATH: '/nowhere' } });
    put(missing, '{"credsStore":"vault"}');
    await expect(setAuth(missing, 'cgr.dev', user, 'secret')).rejects.toThrow('docker-credential-vault is not on PATH');
    put(missing, '{"credsStore":"../../x"}');
    await expect(setAuth(missing, 'cgr.dev', user, 'secret')).rejects.toThrow('it has no proper name');
  });
});

describe('where Docker finds the helper', () => {
  /** A package as installed, with its program linked into a folder, as npm does. */
  function installed(pathFolders: readonly string[] = []): { host: FakeHost; script: string; links: string } {
    const root = fakeHost();
    const bin = join(root.root, 'package', 'bin');
    const links = join(root.root, 'links');
    mkdirSync(bin, { recursive: true });
    mkdirSync(links);
    for (const name of ['chainctl.js', 'docker-credential-cgr.js']) {
      writeFileSync(join(bin, name), '#!/usr/bin/env node\n', { mode: 0o755 });
    }
    symlinkSync(join(bin, 'chainctl.js'), join(links, 'chainctl'));
    const env = { PATH: pathFolders.map((folder) => join(root.root, folder)).join(':') };
    const host = fakeHost({ program: join(links, 'chainctl'), env });
    for (const folder of pathFolders) mkdirSync(join(root.root, folder), { recursive: true });
    return { host, script: join(bin, 'docker-credential-cgr.js'), links };
  }

  test('beside the program when that is on PATH, once', () => {
    const { host, script, links } = installed(['links']);
    const path = join(links, 'docker-credential-cgr');
    expect(installHelper(host)).toEqual({ path, changed: true, warning: undefined });
    expect(readlinkSync(path)).toBe(script);
    expect(installHelper(host)).toEqual({ path, changed: false, warning: undefined });
  });

  test('one that is there already, as npm links it, is left alone', () => {
    const { host, script, links } = installed(['other', 'links']);
    const path = join(dirname(links), 'other', 'docker-credential-cgr');
    symlinkSync(script, path);
    expect(installHelper(host)).toEqual({ path, changed: false, warning: undefined });
    expect(existsSync(join(links, 'docker-credential-cgr'))).toBe(false);
  });

  test('a link to the program itself, as an older chainctl leaves it, is left alone', () => {
    const { host, links } = installed(['other', 'links']);
    const path = join(dirname(links), 'other', 'docker-credential-cgr');
    symlinkSync(host.program, path);
    expect(installHelper(host)).toEqual({ path, changed: false, warning: undefined });
    expect(existsSync(join(links, 'docker-credential-cgr'))).toBe(false);
  });

  test('in the user’s own folder on PATH when the program’s is not', () => {
    const { host } = installed();
    const bin = join(host.home(), '.local', 'bin');
    mkdirSync(bin, { recursive: true });
    host.env['PATH'] = `/usr/bin:${bin}`;
    expect(installHelper(host)).toMatchObject({ path: join(bin, 'docker-credential-cgr'), warning: undefined });
  });

  test('beside the real program, with the line that puts it on PATH, when nothing else will do', () => {
    const { host, script } = installed();
    host.env['PATH'] = '/usr/bin';
    const folder = dirname(realpathSync(script));
    const result = installHelper(host);
    expect(result.path).toBe(join(folder, 'docker-credential-cgr'));
    expect(result.warning).toContain(`export PATH="${folder}:$PATH"`);
  });

  test('a link that works is not ours to replace, whatever it leads to; one that leads nowhere is', () => {
    const taken = 'docker-credential-cgr';
    const cases = (['program', 'text', 'folder', 'nowhere'] as const).map((kind) => {
      const { host, script, links } = installed(['links']);
      const target = join(dirname(links), 'theirs');
      if (kind === 'program') writeFileSync(target, '#!/bin/sh\n', { mode: 0o755 });
      if (kind === 'text') writeFileSync(target, 'notes', { mode: 0o644 });
      if (kind === 'folder') mkdirSync(target);
      symlinkSync(target, join(links, taken));
      const { path } = installHelper(host);
      return {
        kind,
        path: path === join(links, taken),
        leads: readlinkSync(join(links, taken)) === script ? 'ours' : 'theirs',
      };
    });
    expect(cases).toEqual([
      { kind: 'program', path: false, leads: 'theirs' },
      { kind: 'text', path: false, leads: 'theirs' },
      { kind: 'folder', path: false, leads: 'theirs' },
      { kind: 'nowhere', path: true, leads: 'ours' },
    ]);
  });

  test('somebody else’s helper is never replaced, and named when it comes first', () => {
    const { host, links } = installed(['first', 'links']);
    const other = join(dirname(links), 'first', 'docker-credential-cgr');
    writeFileSync(other, '#!/bin/sh\n', { mode: 0o755 });
    const result = installHelper(host);
    expect(result.path).toBe(join(links, 'docker-credential-cgr'));
    expect(result.warning).toContain(`"${other}" instead of`);
    // Also where ours had to go into a folder that is not on PATH at all.
    host.env['PATH'] = dirname(other);
    chmodSync(dirname(other), 0o555);
    expect(installHelper(host).warning).toContain(`"${other}" instead of`);
    const same = installed(['links']);
    const taken = join(same.links, 'docker-credential-cgr');
    writeFileSync(taken, 'mine');
    expect(installHelper(same.host).path).not.toBe(taken);
    expect(readFileSync(taken, 'utf8')).toBe('mine');
  });

  test('a link that leads nowhere is an older installation’s', () => {
    const { host, script, links } = installed(['links']);
    const path = join(links, 'docker-credential-cgr');
    symlinkSync('/gone/docker-credential-cgr.js', path);
    expect(installHelper(host)).toMatchObject({ path, changed: true });
    expect(readlinkSync(path)).toBe(script);
  });

  test('Windows gets a command file', () => {
    const { host, script } = installed();
    const windows = fakeHost({ program: host.program, platform: 'win32', env: { PATH: dirname(host.program) } });
    const { path } = installHelper(windows);
    expect(path.endsWith('docker-credential-cgr.cmd')).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe(`@node "${script}" %*\r\n`);
  });
});
