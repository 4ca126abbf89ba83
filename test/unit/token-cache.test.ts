import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { audiencesOf, decodeClaims, expiryOf, refreshExpiryOf } from '../../src/auth/jwt.ts';
import {
  audienceLock,
  audiencePath,
  deleteAllTokens,
  deleteTokens,
  isLocalIssuer,
  keepLoginsApart,
  type LoginRecord,
  listAudiences,
  listFolders,
  readRecord,
  readTokens,
  refreshRemainingMs,
  remainingMs,
  writeTokens,
} from '../../src/auth/token-cache.ts';
import { fakeHost } from '../support/fake-host.ts';
import { makeRefreshToken, makeToken, someUser } from '../support/tokens.ts';

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
const api = 'https://console-api.enforce.dev';

describe('jwt', () => {
  test('an audience is a string or a list', () => {
    expect(audiencesOf({ aud: 'a' })).toEqual(['a']);
    expect(audiencesOf({ aud: ['a', 1, 'b'] })).toEqual(['a', 'b']);
    expect(audiencesOf({})).toEqual([]);
  });

  test('whatever is not a token has no claims', () => {
    for (const text of ['', 'a', 'a.b', 'a.!.c', `a.${Buffer.from('[]').toString('base64url')}.c`, '..']) {
      expect(decodeClaims(text), text).toBeUndefined();
      expect(expiryOf(text), text).toBe(0);
    }
    expect(expiryOf(makeToken({ exp: 12 }))).toBe(12_000);
    expect(expiryOf(makeToken({ exp: '12' }))).toBe(0);
    expect(refreshExpiryOf(makeRefreshToken(34_000))).toBe(34_000);
    expect(refreshExpiryOf('no base64!')).toBe(0);
  });
});

describe('a local platform that goes by an audience of production', () => {
  const local = 'http://127.0.0.1:4711';
  const ofProduction = makeToken({ iss: 'https://issuer.enforce.dev', sub: 'a', aud: api });
  const ofLocal = makeToken({ iss: local, sub: 'b', aud: api });

  test('never takes the place of its tokens', () => {
    const host = fakeHost();
    const refreshToken = makeRefreshToken(Date.now() + 1000);
    writeTokens(host, api, { token: ofProduction, refreshToken });
    expect(() => writeTokens(host, api, { token: ofLocal, refreshToken: null })).toThrow(
      expect.objectContaining({ code: 'local.foreign-login', kind: 'conflict' }),
    );
    expect(readTokens(host, api)).toMatchObject({ token: ofProduction, refreshToken });
  });

  test('nor when only the record of the login is left of them', () => {
    const host = fakeHost();
    const record = { issuer: 'https://issuer.enforce.dev', subject: 'a', source: { kind: 'browser' } } as const;
    writeTokens(host, api, { token: ofProduction, refreshToken: null, record });
    rmSync(join(audiencePath(host, api), 'oidc-token'));
    expect(() => writeTokens(host, api, { token: ofLocal, refreshToken: null })).toThrow('is kept');
  });

  test.each<[issuer: unknown, isLocal: boolean]>([
    ['http://127.0.0.1:4711', true],
    ['http://localhost', true],
    ['http://[::1]:1', true],
    ['https://127.0.0.1:4711', false],
    ['http://issuer.example', false],
    ['https://issuer.enforce.dev', false],
    ['127.0.0.1', false],
    ['', false],
    [undefined, false],
    [7, false],
  ])('is told by its issuer: %s', (issuer, isLocal) => {
    expect(isLocalIssuer(issuer)).toBe(isLocal);
  });

  test('does not keep production from its own place, whichever issuer it has', () => {
    const host = fakeHost();
    writeTokens(host, api, { token: ofProduction, refreshToken: null });
    for (const iss of ['https://issuer.enforce.dev', 'https://issuer.example', 7, undefined]) {
      const token = makeToken({ iss, sub: 'a', aud: api, exp: 5 });
      writeTokens(host, api, { token, refreshToken: null });
      expect(readTokens(host, api).token).toBe(token);
    }
  });

  test('may be the first, and gives way to production', () => {
    const host = fakeHost();
    writeTokens(host, api, { token: ofLocal, refreshToken: null });
    expect(readTokens(host, api).token).toBe(ofLocal);
    // Another port of the same machine is another start of it.
    const moved = makeToken({ iss: 'http://127.0.0.1:4712', sub: 'b', aud: api });
    writeTokens(host, api, { token: moved, refreshToken: null });
    writeTokens(host, api, { token: ofProduction, refreshToken: null });
    expect(readTokens(host, api).token).toBe(ofProduction);
  });
});

describe('layout', () => {
  test('the folder and file names other tools read, 0600 in 0700, no newline', () => {
    const host = fakeHost();
    const token = makeToken({ aud: api, exp: 1 });
    const refreshToken = makeRefreshToken(5_000);
    writeTokens(host, api, { token, refreshToken });
    const folder = join(host.home(), '.cache', 'chainguard', 'https:--console-api.enforce.dev');
    expect(readFileSync(join(folder, 'oidc-token'), 'utf8')).toBe(token);
    expect(readFileSync(join(folder, 'refresh-token'), 'utf8')).toBe(refreshToken);
    expect([
      mode(folder),
      mode(dirname(folder)),
      mode(join(folder, 'oidc-token')),
      mode(join(folder, 'refresh-token')),
    ]).toEqual(['700', '700', '600', '600']);
    expect(readTokens(host, api)).toEqual({ token, refreshToken, record: undefined });
  });

  test('XDG_CACHE_HOME, macOS and Windows have their own places', () => {
    const host = fakeHost({ env: { XDG_CACHE_HOME: '/x' } });
    expect(audiencePath(host, 'cgr.dev')).toBe('/x/chainguard/cgr.dev');
    const mac = fakeHost({ platform: 'darwin' });
    expect(audiencePath(mac, 'localhost:5000')).toBe(join(mac.home(), 'Library/Caches/chainguard/localhost:5000'));
    const windows = fakeHost({ platform: 'win32', env: { LocalAppData: '/l' } });
    expect(audiencePath(windows, 'http://localhost:5000')).toBe('/l/chainguard/http---localhost-5000');
  });

  test('an audience cannot climb out of the cache', () => {
    for (const audience of ['', '..', '.', '.locks', 'a\\b', 'a\0b']) {
      expect(() => audiencePath(fakeHost(), audience), JSON.stringify(audience)).toThrow('cannot be an audience');
    }
    expect(audiencePath(fakeHost(), '/../x').endsWith('/chainguard/-..-x')).toBe(true);
  });

  test('a refresh token is kept, replaced or removed', () => {
    const host = fakeHost();
    const [first, second] = [makeRefreshToken(5_000), makeRefreshToken(6_000)];
    writeTokens(host, api, { token: 'a.b.c', refreshToken: first });
    writeTokens(host, api, { token: 'a.b.d', refreshToken: undefined });
    expect(readTokens(host, api).refreshToken).toBe(first);
    writeTokens(host, api, { token: 'a.b.d', refreshToken: second });
    expect(readTokens(host, api).refreshToken).toBe(second);
    writeTokens(host, api, { token: 'a.b.d', refreshToken: null });
    expect(readTokens(host, api).refreshToken).toBeUndefined();
  });

  test('a login record belongs to its token only', () => {
    const host = fakeHost();
    const record = { issuer: 'https://i', subject: someUser, source: { kind: 'file', path: '/t' } } as const;
    const token = makeToken({ aud: api });
    writeTokens(host, api, { token, refreshToken: null, record });
    expect(readTokens(host, api).record).toEqual(record);
    writeTokens(host, api, { token, refreshToken: undefined });
    expect(readTokens(host, api).record).toEqual(record);
    writeFileSync(join(audiencePath(host, api), 'oidc-token'), makeToken({ aud: api, sub: 'somebody else' }));
    expect(readTokens(host, api).record).toBeUndefined();
    writeFileSync(join(audiencePath(host, api), 'oidc-token'), token);
    for (const text of [
      '',
      'x',
      '[]',
      '{}',
      '{"version":1,"issuer":1}',
      '{"version":1,"issuer":"i","subject":"s","source":{"kind":"file"}}',
    ]) {
      writeFileSync(join(audiencePath(host, api), 'login.json'), text);
      expect(readTokens(host, api).record, text).toBeUndefined();
    }
  });
});

describe('a record of a login', () => {
  const whole: LoginRecord = {
    ...{ issuer: 'https://i', subject: someUser, identity: 'a/b', identityProvider: 'a/c' },
    ...{ source: { kind: 'file', path: '/t' }, refreshIn: 'keychain', shared: true },
  };

  /** What is read back of a record with these members changed; undefined leaves one out. */
  function read(changes: Readonly<Record<string, unknown>>) {
    const host = fakeHost();
    writeTokens(host, api, { token: makeToken({ aud: api }), refreshToken: null, record: whole });
    writeFileSync(join(audiencePath(host, api), 'login.json'), JSON.stringify({ version: 1, ...whole, ...changes }));
    expect(readRecord(host, api)).toEqual(readTokens(host, api).record);
    return readRecord(host, api);
  }

  test.each<LoginRecord['source']>([
    { kind: 'browser' },
    { kind: 'token' },
    { kind: 'file', path: '/t' },
    { kind: 'ambient', provider: 'github' },
  ])('is read as it was written: from %j', (source) => {
    expect(read({ source })).toEqual({ ...whole, source });
  });

  test.each<Readonly<Record<string, unknown>>>([
    { version: 2 },
    { version: undefined },
    { issuer: 7 },
    { issuer: undefined },
    { subject: null },
    { subject: undefined },
    { source: undefined },
    { source: null },
    { source: 'browser' },
    { source: { kind: 'guess' } },
    { source: { kind: 'guess', path: '/t', provider: 'github' } },
    { source: { path: '/t' } },
    { source: { kind: 'file' } },
    { source: { kind: 'file', path: 7 } },
    { source: { kind: 'file', provider: 'github' } },
    { source: { kind: 'ambient' } },
    { source: { kind: 'ambient', provider: 7 } },
    { source: { kind: 'ambient', path: '/t' } },
  ])('is none with %j', (changes) => {
    expect(read(changes)).toBeUndefined();
  });

  test.each([
    ['identity', 7],
    ['identityProvider', null],
    ['refreshIn', 'pocket'],
    ['shared', 'true'],
    ['shared', false],
  ])('is read without a %s that is %j', (name, value) => {
    const { [name as 'identity']: _, ...rest } = whole;
    expect(read({ [name]: value })).toEqual(rest);
  });
});

describe('logins of a context that lie apart', () => {
  function two() {
    const shared = fakeHost();
    const apart = fakeHost();
    // The same home, by way of a place of its own.
    shared.env['XDG_CACHE_HOME'] = apart.env['XDG_CACHE_HOME'] = join(shared.root, 'cache');
    keepLoginsApart(apart, 'work');
    writeTokens(shared, 'cgr.dev', { token: makeToken({ aud: 'cgr.dev' }), refreshToken: null });
    writeTokens(apart, api, { token: makeToken({ aud: api }), refreshToken: null });
    return { shared, apart };
  }

  test('are each other’s neither to see nor to forget', () => {
    const { shared, apart } = two();
    expect([listAudiences(shared), listAudiences(apart)]).toEqual([['cgr.dev'], [api]]);
    expect([listFolders(shared), listFolders(apart)]).toEqual([['cgr.dev'], ['https:--console-api.enforce.dev']]);
    expect(deleteAllTokens(shared)).toBe(true);
    expect([listAudiences(shared), listAudiences(apart)]).toEqual([[], [api]]);
    writeTokens(shared, 'cgr.dev', { token: makeToken({ aud: 'cgr.dev' }), refreshToken: null });
    expect(deleteAllTokens(apart)).toBe(true);
    expect([listAudiences(shared), listAudiences(apart)]).toEqual([['cgr.dev'], []]);
  });

  test('lie in folders for their owner only, all the way, and are not read behind one that is open', () => {
    const { apart } = two();
    const folder = audiencePath(apart, api);
    const root = dirname(dirname(dirname(folder)));
    for (const one of [folder, dirname(folder), dirname(dirname(folder)), root])
      expect([one, mode(one)]).toEqual([one, '700']);
    for (const one of [folder, dirname(folder), dirname(dirname(folder)), root]) {
      chmodSync(one, 0o755);
      expect(() => readTokens(apart, api), one).toThrow('is open to others');
      chmodSync(one, 0o700);
    }
    expect(readTokens(apart, api).token).toBeDefined();
  });
});

describe('what is not believed', () => {
  const unsafe = (message: string) => ({
    kind: 'local',
    code: 'local.unsafe-cache',
    message: expect.stringContaining(message),
  });

  test('files and folders open to others, with the fix', () => {
    const host = fakeHost();
    writeTokens(host, api, { token: 'a.b.c', refreshToken: null });
    const file = join(audiencePath(host, api), 'oidc-token');
    chmodSync(file, 0o644);
    expect(() => readTokens(host, api)).toThrow(
      expect.objectContaining({ ...unsafe('can be read by others'), hint: `run \`chmod 600 ${file}\`` }),
    );
    chmodSync(file, 0o600);
    chmodSync(audiencePath(host, api), 0o770);
    expect(() => readTokens(host, api)).toThrow(expect.objectContaining(unsafe('is open to others')));
    expect(() => writeTokens(host, api, { token: 'a.b.c', refreshToken: null })).toThrow(
      expect.objectContaining(unsafe('is open to others')),
    );
    chmodSync(audiencePath(host, api), 0o700);
    chmodSync(dirname(audiencePath(host, api)), 0o777);
    expect(() => readTokens(host, api)).toThrow(expect.objectContaining(unsafe('is open to others')));
  });

  test('links in place of files and folders', () => {
    const host = fakeHost();
    const other = fakeHost();
    writeTokens(other, api, { token: 'a.b.c', refreshToken: null });
    mkdirSync(dirname(audiencePath(host, api)), { recursive: true, mode: 0o700 });
    symlinkSync(audiencePath(other, api), audiencePath(host, api));
    expect(() => readTokens(host, api)).toThrow(expect.objectContaining(unsafe('is not a plain folder')));
    expect(() => writeTokens(host, api, { token: 'x.y.z', refreshToken: null })).toThrow(
      expect.objectContaining(unsafe('is not a plain folder')),
    );
    expect(deleteAllTokens(host)).toBe(false);
    expect(readTokens(other, api).token).toBe('a.b.c');

    const third = fakeHost();
    mkdirSync(audiencePath(third, api), { recursive: true, mode: 0o700 });
    chmodSync(dirname(audiencePath(third, api)), 0o700);
    symlinkSync(join(audiencePath(other, api), 'oidc-token'), join(audiencePath(third, api), 'oidc-token'));
    expect(() => readTokens(third, api)).toThrow(expect.objectContaining(unsafe('is not a plain file')));
  });

  test.each(['the cache', 'its locks'])('no lock is made behind a link in place of %s', (what) => {
    const host = fakeHost();
    const elsewhere = mkdtempSync(join(tmpdir(), 'chainctl-elsewhere-'));
    const root = dirname(audiencePath(host, api));
    mkdirSync(what === 'the cache' ? dirname(root) : root, { recursive: true, mode: 0o700 });
    symlinkSync(elsewhere, what === 'the cache' ? root : join(root, '.locks'));
    expect(() => audienceLock(host, api)).toThrow(expect.objectContaining(unsafe('is not a plain folder')));
    expect(readdirSync(elsewhere)).toEqual([]);
    rmSync(elsewhere, { recursive: true });
  });

  test.runIf(process.getuid?.() === 0)('files of another user', () => {
    const host = fakeHost();
    writeTokens(host, api, { token: 'a.b.c', refreshToken: null });
    chownSync(join(audiencePath(host, api), 'oidc-token'), 12345, 12345);
    expect(() => readTokens(host, api)).toThrow(expect.objectContaining(unsafe('belongs to another user')));
  });

  test.runIf(process.getuid?.() === 0)('folders of another user', () => {
    const host = fakeHost();
    writeTokens(host, api, { token: 'a.b.c', refreshToken: null });
    chownSync(audiencePath(host, api), 12345, 12345);
    expect(() => readTokens(host, api)).toThrow(expect.objectContaining(unsafe('belongs to another user')));
  });

  test.each(['open to others', 'a plain folder'])('nothing is removed below a cache that is %s', (what) => {
    const host = fakeHost();
    writeTokens(host, api, { token: 'a.b.c', refreshToken: null });
    const root = dirname(audiencePath(host, api));
    if (what === 'open to others') chmodSync(root, 0o755);
    else {
      renameSync(root, `${root}.moved`);
      symlinkSync(`${root}.moved`, root);
    }
    expect(() => deleteTokens(host, api)).toThrow(expect.objectContaining(unsafe(what)));
    expect(() => deleteAllTokens(host)).toThrow(expect.objectContaining(unsafe(what)));
    expect(existsSync(join(audiencePath(host, api), 'oidc-token'))).toBe(true);
  });

  test('a token of more than a mebibyte, which nobody made', () => {
    const host = fakeHost();
    const most = 'a'.repeat(1024 * 1024);
    writeTokens(host, api, { token: most, refreshToken: `${most}a` });
    expect(readTokens(host, api)).toMatchObject({ token: most, refreshToken: undefined });
  });

  test('white space around a token', () => {
    const host = fakeHost();
    writeTokens(host, api, { token: ' a.b.c\n', refreshToken: '\n' });
    expect(readTokens(host, api)).toMatchObject({ token: 'a.b.c', refreshToken: undefined });
  });

  test.each([
    ['plain', '/plain'],
    ['a b', "'/a b'"],
    ['$(x)', "'/$(x)'"],
    ["it's", "'/it'\\''s'"],
  ])('a path that the fix names is one word of a shell: %s', (name, shown) => {
    const at = fakeHost().root;
    const host = fakeHost({ env: { XDG_CACHE_HOME: join(at, name) } });
    writeTokens(host, api, { token: 'a.b.c', refreshToken: null });
    chmodSync(audiencePath(host, api), 0o755);
    const path = shown.replace('/', join(at, '/')).replace(/('?)$/, '/chainguard/https:--console-api.enforce.dev$1');
    expect(() => readTokens(host, api)).toThrow(expect.objectContaining({ hint: `run \`chmod 700 ${path}\`` }));
  });

  test('no home folder and a file in the way are one sentence each', () => {
    expect(() => readTokens(fakeHost({ home: false }), api)).toThrow('There is no home folder');
    const host = fakeHost();
    writeFileSync(join(host.home(), '.cache'), '');
    expect(() => writeTokens(host, api, { token: 'a.b.c', refreshToken: null })).toThrow(
      'a part of its path is a file',
    );
    expect(() => readTokens(host, api)).toThrow('a part of its path is a file');
  });
});

describe('remaining life, listing, forgetting', () => {
  test('missing, expired and unreadable tokens have none', () => {
    expect(remainingMs(0, undefined)).toBe(0);
    expect(remainingMs(0, 'rubbish')).toBe(0);
    expect(remainingMs(10_000, makeToken({ exp: 9 }))).toBe(0);
    expect(remainingMs(10_000, makeToken({ exp: 100 }), 60_000)).toBe(30_000);
    expect(refreshRemainingMs(10_000, makeRefreshToken(11_000))).toBe(1_000);
  });

  test('audiences are read from tokens, sorted, without twins and rubbish', () => {
    const host = fakeHost();
    writeTokens(host, 'cgr.dev', { token: makeToken({ aud: 'cgr.dev' }), refreshToken: null });
    writeTokens(host, api, { token: makeToken({ aud: [api, 'cgr.dev'] }), refreshToken: null });
    writeTokens(host, 'broken', { token: 'rubbish', refreshToken: null });
    const alias = join(audiencePath(host, 'cgr.dev'), 'alias');
    mkdirSync(alias, { mode: 0o700 });
    writeFileSync(join(alias, 'oidc-token'), makeToken({ aud: 'below.alias' }), { mode: 0o600 });
    expect(listAudiences(host)).toEqual(['below.alias', 'cgr.dev', api]);
    expect(listAudiences(fakeHost())).toEqual([]);
  });

  test('a token for several audiences is listed as it was asked for only where it lies under all of them', () => {
    const host = fakeHost();
    const together = makeToken({ aud: ['b', 'a'] });
    writeTokens(host, 'b,a', { token: together, refreshToken: null });
    expect(listAudiences(host)).toEqual(['b,a']);
    writeTokens(host, 'c', { token: makeToken({ aud: ['d', 'c'] }), refreshToken: null });
    expect(listAudiences(host)).toEqual(['b,a', 'c', 'd']);
    const below = join(audiencePath(host, 'c'), 'b,a');
    mkdirSync(below, { mode: 0o700 });
    writeFileSync(join(below, 'oidc-token'), together, { mode: 0o600 });
    expect(listAudiences(host)).toEqual(['a', 'b', 'b,a', 'c', 'd']);
  });

  test('folders, and not what else lies between them, are the audiences', () => {
    const host = fakeHost();
    writeTokens(host, 'cgr.dev', { token: makeToken({ aud: 'cgr.dev' }), refreshToken: null });
    const root = dirname(audiencePath(host, 'cgr.dev'));
    writeFileSync(join(root, 'notes.txt'), 'mine', { mode: 0o600 });
    mkdirSync(join(root, '.locks'), { mode: 0o700 });
    mkdirSync(join(root, 'contexts'), { mode: 0o700 });
    expect(listFolders(host)).toEqual(['cgr.dev']);
    expect(listFolders(fakeHost())).toEqual([]);
    const loop = fakeHost({ env: { XDG_CACHE_HOME: join(root, 'loop') } });
    symlinkSync(join(root, 'loop'), join(root, 'loop'));
    expect(() => listFolders(loop)).toThrow('Cannot read');
  });

  test('a folder below an audience may have any name', () => {
    const host = fakeHost();
    writeTokens(host, 'cgr.dev', { token: makeToken({ aud: 'cgr.dev' }), refreshToken: null });
    const below = join(audiencePath(host, 'cgr.dev'), 'contexts');
    mkdirSync(below, { mode: 0o700 });
    writeFileSync(join(below, 'oidc-token'), makeToken({ aud: 'below' }), { mode: 0o600 });
    expect(listAudiences(host)).toEqual(['below', 'cgr.dev']);
    expect(deleteAllTokens(host)).toBe(true);
    expect(existsSync(audiencePath(host, 'cgr.dev'))).toBe(false);
  });

  test('a token says until when in numbers, or does not say it', () => {
    for (const exp of ['12', null, true, Number.MAX_VALUE * 2, [12]]) expect(expiryOf(makeToken({ exp }))).toBe(0);
    const claims = makeToken({ exp: 12 }).split('.')[1] ?? '';
    for (const bad of [` ${claims}`, `${claims} `, `${claims}=x`, `é${claims}`]) {
      expect(decodeClaims(`a.${bad}.c`), bad).toBeUndefined();
    }
    expect(decodeClaims(`a.${claims}==`)).toMatchObject({ exp: 12 });
  });

  test('a folder’s name has at most 255 characters', () => {
    expect(audiencePath(fakeHost(), 'a'.repeat(255))).toMatch(/a{255}$/);
    expect(() => audiencePath(fakeHost(), 'a'.repeat(256))).toThrow('cannot be an audience');
  });

  test('forgetting takes known names and empty folders only', () => {
    const host = fakeHost();
    const record = { issuer: 'https://i', subject: 'a', source: { kind: 'browser' } } as const;
    writeTokens(host, 'cgr.dev', { token: 'a.b.c', refreshToken: makeRefreshToken(1), record });
    writeTokens(host, api, { token: 'a.b.c', refreshToken: null });
    const alias = join(audiencePath(host, api), 'alias');
    mkdirSync(alias, { mode: 0o700 });
    writeFileSync(join(alias, 'refresh-token'), 'x', { mode: 0o600 });
    writeFileSync(join(audiencePath(host, api), 'notes.txt'), 'mine');
    const left = join(audiencePath(host, api), '.oidc-token.0123456789ab.tmp');
    writeFileSync(left, 'half a token', { mode: 0o600 });
    expect(deleteTokens(host, 'cgr.dev')).toBe(true);
    expect(deleteTokens(host, 'cgr.dev')).toBe(false);
    expect(existsSync(audiencePath(host, 'cgr.dev'))).toBe(false);
    expect(deleteAllTokens(host)).toBe(true);
    expect(deleteAllTokens(host)).toBe(false);
    expect(existsSync(alias)).toBe(false);
    expect(existsSync(left)).toBe(false);
    expect(readFileSync(join(audiencePath(host, api), 'notes.txt'), 'utf8')).toBe('mine');
  });
});
