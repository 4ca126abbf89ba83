import { describe, expect, test } from 'vitest';
import { splitWords } from '../../src/cli/shell-completion.ts';
import { type CliOptions, runCli } from '../support/run-cli.ts';
import { signedIn } from '../support/signed-in.ts';
import { withImages } from '../support/signed-in-registry.ts';

/** What is offered for words, the last one being typed. */
const offers = async (
  words: readonly string[],
  run = (argv: readonly string[], options?: CliOptions) => runCli(argv, options),
) => {
  const { code, out, err } = await run(['__complete', '--', ...words]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const [kind, ...lines] = out.split('\n').slice(0, -1);
  return { kind, texts: lines.map((line) => line.split('\t')[0]), lines };
};

const texts = async (...words: string[]) => (await offers(words)).texts;

describe('words and flags, without a login', () => {
  test('commands with what they do, in the order of help; hidden ones and other spellings are left out', async () => {
    expect((await offers([''])).lines[0]).toBe('api\tCall any operation of the API with your login.');
    expect(await texts('iam', 'ro')).toEqual(['role-bindings', 'roles']);
    expect(await texts('iam', 'organizations', 'li')).toEqual(['list']);
    expect(await texts('iam', 'org', 'li')).toEqual(['list']);
    expect(await texts('nothing', '')).toEqual([]);
    expect(await texts('--output', 'json', 'iam', 'roles', 'de')).toEqual(['delete']);
  });

  test('flags that can still be given', async () => {
    const flags = await texts('iam', 'roles', 'list', '--name', 'x', '--');
    expect(flags).toContain('--capabilities');
    expect(flags).toContain('--output');
    expect(flags).not.toContain('--name');
    expect(await texts('iam', '--iss')).toEqual(['--issuer']);
    // After two dashes a word is no flag.
    expect(await texts('iam', 'roles', 'list', '--', '--')).toEqual([]);
  });

  test('values that are known: formats, choices, properties; files are left to the shell', async () => {
    expect(await texts('iam', 'roles', 'list', '-o', 'j')).toEqual(['json']);
    expect(await texts('iam', 'roles', 'list', '--output=j')).toEqual(['--output=json']);
    expect(await texts('iam', 'roles', 'list', '-o=j')).toEqual(['-o=json']);
    expect(await texts('iam', 'roles', 'list', '--managed=')).toEqual(['--managed=true', '--managed=false']);
    expect(await texts('config', 'set', 'auth.m')).toEqual(['auth.mode']);
    expect(await texts('config', 'set', 'auth.mode', '')).toEqual(['browser', 'headless']);
    expect((await offers(['iam', 'roles', 'list', '--config', ''])).kind).toBe(':files');
    expect((await offers(['local', 'start', '--data-dir', ''])).kind).toBe(':files');
  });

  test('nothing without a login, and no login begins', async () => {
    const { host, out } = await runCli(['__complete', '--', 'iam', 'roles', 'describe', ''], {
      tty: true,
      browser: () => {
        throw new Error('a browser was opened');
      },
    });
    expect(out).toBe(':words\n');
    expect(host.stdin.reads).toBe(0);
  });
});

describe('names on the platform', () => {
  test('places and values of flags, narrowed by what stands before', async () => {
    const { run } = await signedIn();
    const of = async (...words: string[]) => (await offers(words, run)).texts;
    expect(await of('iam', 'roles', 'list', '--parent', 'e')).toEqual(['example.com', 'engineering']);
    expect(await of('iam', 'roles', 'list', '--parent=san')).toEqual(['--parent=sandbox']);
    expect(await of('iam', 'folders', 'describe', '')).toEqual(['engineering', 'platform', 'sandbox']);
    const capability = await of('iam', 'roles', 'create', 'x', '--capabilities=groups.list,repo.l');
    expect(capability).toEqual(['--capabilities=groups.list,repo.list']);
  });

  test('an identity is offered by its name where that means one thing, else by its id', async () => {
    const { run } = await signedIn();
    const make = async (name: string, place: string) => {
      const made = ['github', name, '--github-repo=acme@1/app@2', `--parent=${place}`, '--yes', '-o', 'id'];
      return (await run(['iam', 'identities', 'create', ...made])).out.trim();
    };
    const one = await make('my-app', 'example.com');
    const twice = await make('shared', 'example.com');
    await make('shared', 'sandbox');
    const { lines, texts } = await offers(['iam', 'identities', 'describe', ''], run);
    expect(lines).toContain(`my-app\texample.com …/${one.slice(41)}`);
    expect(texts).not.toContain(one);
    expect(lines).toContain(`${twice}\tshared, example.com …/${twice.slice(41)}`);
    expect((await offers(['iam', 'identities', 'describe', 'my'], run)).texts).toEqual(['my-app']);
  });

  test('images: repositories until one is left, then its tags', async () => {
    const { run, host } = await withImages();
    const of = async (...words: string[]) => (await offers(words, run)).texts;
    expect(await of('images', 'history', '')).toEqual(['app', 'nginx', 'python']);
    const tags = await of('images', 'history', 'ap');
    expect(tags.slice(0, 2)).toEqual(['app', 'app:1']);
    expect(tags).toContain('app:latest');
    expect(tags.every((text) => !text?.endsWith('.att'))).toBe(true);
    expect(await of('images', 'history', 'nginx:lat')).toEqual(['nginx:latest', 'nginx:latest-dev']);
    expect(await of('images', 'history', '--parent=sandbox', '')).toEqual([]);

    const own = ['app', 'nginx', 'python'].map((name) => `${host}/example.com/${name}`);
    expect(await of('images', 'diff', '')).toEqual(own);
    const latest = `${host}/example.com/app:latest`;
    expect(await of('images', 'diff', latest, `${host}/example.com/app:lat`)).toEqual([latest, `${latest}-dev`]);
    expect(await of('images', 'changelog', `${host}/c`)).toContain(`${host}/chainguard/static`);
    const open = `${host}/chainguard/static:latest`;
    expect(await of('images', 'history', `${host}/chainguard/static:lat`)).toContain(open);

    expect(await of('images', 'tags', 'list', '--repo=')).toEqual(['--repo=app', '--repo=nginx', '--repo=python']);
    expect(await of('images', 'list', '--parent=sandbox', '--repo', '')).toEqual([]);
    expect(await of('images', 'repos', 'list', '--public', '--repo', 'st')).toEqual(['static']);
  });

  test('only what the caller sees, with nothing in it that a terminal would obey', async () => {
    const { run, as, platform } = await signedIn();
    const loud = 'rings \u0007 and \u001b[31mis red\nand long';
    platform.store.transact((tx) => tx.run("UPDATE groups SET description = ? WHERE name = 'sandbox'", loud));
    const { lines } = await offers(['iam', 'folders', 'describe', 's'], run);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^sandbox\trings [^\u0000-\u001f\u007f]*and long$/);
    const stranger = as(platform.user('stranger@example.com'));
    expect((await offers(['iam', 'folders', 'describe', ''], stranger)).texts).toEqual([]);
  });

  test('a platform that is silent is waited for once, and not again for half a minute', async () => {
    const { createServer } = await import('node:net');
    const sockets: { destroy(): void }[] = [];
    const silent = createServer((socket) => void sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const { run } = await signedIn();
    const env = { CHAINGUARD_PLATFORM_API: `http://127.0.0.1:${port}` };
    const ask = (now?: number) =>
      run(['__complete', '--', 'iam', 'folders', 'describe', ''], now ? { env, now } : { env });
    expect((await ask()).out).toBe(':words\n');
    const asked = sockets.length;
    expect(asked).toBeGreaterThan(0);
    expect((await ask()).out).toBe(':words\n');
    expect(sockets).toHaveLength(asked);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test('a platform that does not answer offers nothing', async () => {
    const { run } = await signedIn();
    const nowhere = (argv: readonly string[]) => run(argv, { env: { CHAINGUARD_PLATFORM_API: 'http://127.0.0.1:9' } });
    expect((await offers(['iam', 'folders', 'describe', ''], nowhere)).texts).toEqual([]);
  });
});

describe('a line of bash', () => {
  const atCursor = async (line: string, point = Buffer.byteLength(line)) => {
    const env = { COMP_LINE: line, COMP_POINT: String(point) };
    const { out } = await runCli(['__complete'], { env });
    return out
      .split('\n')
      .slice(1, -1)
      .map((each) => each.split('\t')[0]);
  };

  test('up to the cursor; after = and : bash wants the rest only', async () => {
    expect(await atCursor('chainctl iam ro')).toEqual(['role-bindings', 'roles']);
    expect(await atCursor('chainctl iam ro and more', 15)).toEqual(['role-bindings', 'roles']);
    expect(await atCursor('chainctl iam roles list --output=j')).toEqual(['json']);
    expect(await atCursor('chainctl iam roles list --config=é --output ', 46)).toContain('json');
  });

  test.each([
    ['chainctl a b', ['a', 'b'], false],
    ['chainctl a ', ['a', ''], false],
    [String.raw`chainctl 'a b' c\ d`, ['a b', 'c d'], false],
    ['chainctl --name="my fo', ['--name=my fo'], true],
    [String.raw`chainctl "a \" b"`, ['a " b'], false],
  ])('%s', (line, words, quoted) => {
    expect(splitWords(line)).toMatchObject({ words, quoted });
  });
});
