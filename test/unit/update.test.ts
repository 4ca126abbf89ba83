// Replacing a program by a release of a feed on loopback: real keys, files and processes; the programs are small scripts.
// Each case of bad input ends with one sentence, and with the old program in place.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closeTransport } from '../../src/api/transport.ts';
import { withLock } from '../../src/lock.ts';
import { installationOf } from '../../src/update/installation.ts';
import { compareVersions, isVersion } from '../../src/update/metadata.ts';
import { carryOut, planUpdate, type UpdatePlan } from '../../src/update/update.ts';
import { type FakeHost, fakeHost } from '../support/fake-host.ts';
import { runCli } from '../support/run-cli.ts';

const name = 'chainctl_linux_x86_64';
const program = (version: string) => `#!/bin/sh\necho "GitVersion:    ${version}"\n`;
let signal: AbortSignal;

let host: FakeHost;
let server: Server;
let url: string;
let keys: { publicKey: KeyObject; privateKey: KeyObject };
/** What the feed answers by path; a function takes the response over. */
let answers: Record<string, string | ((response: ServerResponse) => void)>;
let asked: string[];
let target: string;

beforeEach(async () => {
  host = fakeHost({ env: {} });
  signal = new AbortController().signal;
  keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  answers = {};
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const answer = answers[request.url ?? ''];
    if (typeof answer === 'function') return answer(response);
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  target = join(host.root, 'bin', 'chainctl');
  mkdirSync(dirname(target));
  writeFileSync(target, program('1.0.0'), { mode: 0o755 });
});

afterEach(async () => {
  await closeTransport(host);
  server.closeAllConnections();
  server.close();
});

function publish(version: string, content = program(version), key = keys.privateKey): void {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const text = JSON.stringify({ version, files: [{ name, size: Buffer.byteLength(content), sha256 }] });
  for (const place of ['latest', version]) {
    answers[`/${place}/metadata.json`] = text;
    answers[`/${place}/metadata.json.sig`] = sign('sha256', Buffer.from(text), key).toString('base64');
  }
  answers[`/${version}/${name}`] = content;
}

function plan(current = '1.0.0', version?: string): Promise<UpdatePlan> {
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return planUpdate(host, { current, target: 'linux_x86_64', path: target, feed: { url, publicKey }, version }, signal);
}

async function update(current?: string, version?: string): Promise<string> {
  return carryOut(host, await plan(current, version), signal, () => {});
}

/** The old program works, and nothing lies beside it. */
function expectUntouched(): void {
  expect(readFileSync(target, 'utf8')).toBe(program('1.0.0'));
  expect(statSync(target).mode & 0o777).toBe(0o755);
  expect(readdirSync(dirname(target))).toEqual(['chainctl']);
}

test('the new program is in place, answers, and the old one is kept', async () => {
  publish('1.1.0');
  expect(await update()).toBe('GitVersion:    1.1.0\n');
  expect(readFileSync(target, 'utf8')).toBe(program('1.1.0'));
  expect(statSync(target).mode & 0o777).toBe(0o755);
  const cache = join(host.home(), '.cache', 'chainguard');
  expect(readFileSync(join(cache, 'chainctl.bak'), 'utf8')).toBe(program('1.0.0'));
  expect(readdirSync(dirname(target))).toEqual(['chainctl']);
  // `latest` was asked for one thing: what comes out meanwhile cannot mix.
  expect(asked).toEqual(['/latest/metadata.json', '/latest/metadata.json.sig', `/1.1.0/${name}`]);
});

describe('a release that is not believed', () => {
  test('signed with another key', async () => {
    publish('1.1.0', program('1.1.0'), generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
    await expect(update()).rejects.toThrow(/^The signature of .*metadata\.json is wrong; nothing was changed$/);
    expectUntouched();
  });

  test.each(['', 'AAAA', '\u0000', 'x'.repeat(5000)])('with a signature that is none: %j', async (signature) => {
    publish('1.1.0');
    answers['/latest/metadata.json.sig'] = signature;
    await expect(update()).rejects.toThrow(/^The signature of .* is wrong/);
    expectUntouched();
  });

  test.each(['{}', '[]', 'null', 'no json', '{"version":"1.1.0"}', '{"version":"../x","files":[]}'])(
    'whose signed metadata is %s',
    async (text) => {
      answers['/latest/metadata.json'] = text;
      answers['/latest/metadata.json.sig'] = sign('sha256', Buffer.from(text), keys.privateKey).toString('base64');
      await expect(update()).rejects.toThrow(/does not describe that release; nothing was changed$/);
      expectUntouched();
    },
  );

  test.each([
    ['a name with a path', { name: '../chainctl', size: 1, sha256: 'a'.repeat(64) }],
    ['no size', { name, sha256: 'a'.repeat(64) }],
    ['a size that fills disks', { name, size: 2 ** 40, sha256: 'a'.repeat(64) }],
    ['half a checksum', { name, size: 1, sha256: 'a'.repeat(32) }],
  ])('with %s', async (_what, file) => {
    const text = JSON.stringify({ version: '1.1.0', files: [file] });
    answers['/latest/metadata.json'] = text;
    answers['/latest/metadata.json.sig'] = sign('sha256', Buffer.from(text), keys.privateKey).toString('base64');
    await expect(update()).rejects.toThrow(/does not describe that release/);
  });

  test('of another version than the one asked for', async () => {
    publish('1.1.0');
    answers['/1.2.0/metadata.json'] = answers['/1.1.0/metadata.json'] ?? '';
    answers['/1.2.0/metadata.json.sig'] = answers['/1.1.0/metadata.json.sig'] ?? '';
    await expect(update('1.0.0', '1.2.0')).rejects.toThrow(/does not describe that release/);
  });

  test('whose metadata is somewhere else: redirects are for files', async () => {
    publish('1.1.0');
    answers['/latest/metadata.json'] = (response) =>
      response.writeHead(302, { location: `${url}/1.1.0/metadata.json` }).end();
    await expect(update()).rejects.toThrow(/^HTTP 302 instead of an answer from/);
    expectUntouched();
  });
});

describe('a download that is not the file', () => {
  test('other bytes of the same number', async () => {
    publish('1.1.0');
    answers[`/1.1.0/${name}`] = program('6.6.6');
    await expect(update()).rejects.toThrow(`The checksum of ${name} is wrong; nothing was changed`);
    expectUntouched();
  });

  test('too short', async () => {
    publish('1.1.0');
    answers[`/1.1.0/${name}`] = program('1.1.0').slice(0, -3);
    await expect(update()).rejects.toThrow(/brought \d+ of \d+ bytes; nothing was changed$/);
    expectUntouched();
  });

  test('cut by the network', async () => {
    publish('1.1.0');
    answers[`/1.1.0/${name}`] = (response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('#!/bin/sh', () => response.destroy());
    };
    await expect(update()).rejects.toMatchObject({ kind: 'network' });
    expectUntouched();
  });

  test('without end', async () => {
    publish('1.1.0');
    answers[`/1.1.0/${name}`] = (response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    await expect(update()).rejects.toThrow(/brought more than \d+ bytes/);
    expectUntouched();
  });

  test('not there', async () => {
    publish('1.1.0');
    delete answers[`/1.1.0/${name}`];
    await expect(update()).rejects.toThrow(/^HTTP 404 instead of a file from/);
    expectUntouched();
  });
});

describe('redirects of the file', () => {
  const redirect = (location: string) => (response: ServerResponse) => void response.writeHead(302, { location }).end();

  test('are followed, since hash and size are signed', async () => {
    publish('1.1.0');
    answers['/mirror/file'] = answers[`/1.1.0/${name}`] ?? '';
    answers[`/1.1.0/${name}`] = redirect('/mirror/file');
    expect(await update()).toContain('1.1.0');
  });

  test.each(['http://example.com/file', 'ftp://example.com/file', 'file:///etc/passwd', 'http://['])(
    'not to %s',
    async (location) => {
      publish('1.1.0');
      answers[`/1.1.0/${name}`] = redirect(location);
      await expect(update()).rejects.toThrow(/was redirected to an address that is not https$/);
      expectUntouched();
    },
  );

  test('not in a circle', async () => {
    publish('1.1.0');
    answers[`/1.1.0/${name}`] = redirect(`/1.1.0/${name}`);
    await expect(update()).rejects.toThrow(/was redirected too many times$/);
    expectUntouched();
  });
});

test('a feed in the open is not asked', async () => {
  url = 'http://example.com';
  await expect(plan()).rejects.toThrow('Releases must come from an https address, not from http://example.com');
});

describe('an older release', () => {
  test('than the installed one is refused, unless it is named', async () => {
    publish('0.9.0');
    await expect(update()).rejects.toThrow(
      'The latest release, 0.9.0, is older than this one, 1.0.0; nothing was changed',
    );
    expectUntouched();
    expect(await update('1.0.0', '0.9.0')).toContain('0.9.0');
  });

  test('than the last one seen is refused, unless it is named', async () => {
    publish('1.2.0');
    await update();
    publish('1.1.0');
    await expect(update()).rejects.toThrow(
      'The feed offers 1.1.0, but 1.2.0 was seen there before; nothing was changed',
    );
    expect(readFileSync(target, 'utf8')).toBe(program('1.2.0'));
    expect(await update('1.2.0', '1.1.0')).toContain('1.1.0');
    await expect(plan(), 'a named one is not forgotten').rejects.toThrow('but 1.2.0 was seen');
  });
});

describe('a new program that does not answer is taken back', () => {
  test.each([
    ['it fails', '#!/bin/sh\nexit 1\n'],
    ['it says something else', '#!/bin/sh\necho hello\n'],
    ['it is for another system', '\u007fELF\u0002\u0001\u0001'],
  ])('%s', async (_why, content) => {
    publish('1.1.0', content);
    await expect(update()).rejects.toThrow('The new program does not answer, so the old one is back in place');
    expectUntouched();
    publish('1.1.0');
    expect(await update(), 'the next one works').toContain('1.1.0');
  });
});

test('of two at once, one is told so', async () => {
  publish('1.1.0');
  const wanted = await plan();
  mkdirSync(wanted.cache, { recursive: true, mode: 0o700 });
  await withLock(join(wanted.cache, 'update.lock'), {}, async () => {
    await expect(carryOut(host, wanted, signal, () => {})).rejects.toThrow('Another update is under way');
  });
  expectUntouched();
  expect(await carryOut(host, wanted, signal, () => {})).toContain('1.1.0');
});

test('what a killed one left beside the program is removed by the next', async () => {
  publish('1.1.0');
  writeFileSync(join(dirname(target), '.chainctl.0123456789ab.tmp'), 'half');
  writeFileSync(join(dirname(target), '.chainctl.mine'), 'not ours');
  await update();
  expect(readdirSync(dirname(target)).sort()).toEqual(['.chainctl.mine', 'chainctl']);
});

test('a release without a file for this system', async () => {
  publish('1.1.0');
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const request = {
    current: '1.0.0',
    target: 'linux_riscv64',
    path: target,
    feed: { url, publicKey },
    version: undefined,
  };
  await expect(planUpdate(host, request, signal)).rejects.toThrow('Release 1.1.0 has no chainctl_linux_riscv64');
});

describe('who looks after it', () => {
  const installed = (...parts: string[]) => {
    const path = join(host.root, ...parts);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
    chmodSync(path, 0o755);
    return path;
  };

  test.each([
    [['Cellar', 'chainctl', '1.0.0', 'bin', 'chainctl'], true, 'brew upgrade chainctl'],
    [['scoop', 'apps', 'chainctl', 'current', 'chainctl'], true, 'scoop update chainctl'],
    [['lib', 'node_modules', 'chainctl', 'bin', 'chainctl.js'], false, 'npm install --global chainctl@latest'],
    [['src', 'chainctl', 'bin', 'chainctl.js'], false, 'git pull && npm ci && npm run build'],
  ])('%j', (parts, isExecutable, command) => {
    const link = join(host.root, 'link');
    symlinkSync(installed(...parts), link);
    expect(installationOf({ program: link }, isExecutable)).toMatchObject({ kind: 'managed', command });
  });

  test('nobody: the file behind the link is replaced', () => {
    const link = join(host.root, 'link');
    symlinkSync(target, link);
    expect(installationOf({ program: link }, true)).toEqual({ kind: 'executable', path: target });
  });

  test('the Node build says the command and ends with 1', async () => {
    const script = installed('clone', 'bin', 'chainctl.js');
    const { code, out, err } = await runCli(['update'], { program: script, env: { CHAINCTL_UPDATE_URL: url } });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      'error: git looks after this chainctl, so it does not replace itself\nhint: run `git pull && npm ci && npm run build`\n',
    );
    expect(asked).toEqual([]);
    expect(existsSync(join(host.home(), '.cache'))).toBe(false);
  });
});

test('versions are compared as semver.org says', () => {
  const ordered = [
    '0.9.9',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-rc.2',
    '1.0.0-rc.11',
    '1.0.0',
    '1.10.0',
  ];
  for (const [at, one] of ordered.entries()) {
    for (const [other, two] of ordered.entries()) {
      expect(Math.sign(compareVersions(one, two)), `${one} ${two}`).toBe(Math.sign(at - other));
    }
  }
  expect(['1.2', 'v1.2.3', '1.2.3-', '../..', '1.2.3/x'].filter(isVersion)).toEqual([]);
});
