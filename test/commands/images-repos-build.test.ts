import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { globPattern } from '../../src/commands/images/repos/build/repository-pattern.ts';
import { newKeyPair } from '../../src/key-pairs.ts';
import { temporaryFolder } from '../support/platform.ts';
import { withImages } from '../support/signed-in-registry.ts';

const build = ['images', 'repos', 'build'];
const here = '--parent=example.com';

/** A file of its own folder; absolute, so that it does not matter where the command runs. */
function written(text: string, name = 'config.yaml'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
}

const config = 'contents:\n  packages: [curl]\nenvironment:\n  HELLO: world\n';

type World = Awaited<ReturnType<typeof withImages>>;

async function overlayOf({ run }: World, repo: string) {
  const { out } = await run(['images', 'repos', 'list', here, `--repo=${repo}`, '-o', 'json']);
  return JSON.parse(out).items[0].customOverlay;
}

/** Waits as a person would: until no build of the repository is without an end. */
async function built({ run }: World, repo: string) {
  let reports: { id: string; result: string; log: string; completedAt?: string }[] = [];
  await expect
    .poll(
      async () => {
        const { out } = await run([...build, 'list', here, `--repo=${repo}`, '-o', 'json']);
        reports = JSON.parse(out).reports;
        return reports.length > 0 && reports.every(({ completedAt }) => completedAt !== undefined);
      },
      { timeout: 30_000, interval: 100 },
    )
    .toBe(true);
  return reports;
}

describe('apply', () => {
  test('a dry run prints the sections, changes nothing and exits 1 when something would change', async () => {
    const world = await withImages();
    const file = written(config);
    const dry = await world.run([...build, 'apply', '--repo=app', here, `--file=${file}`, '--dry-run']);
    expect(dry.code).toBe(1);
    expect(dry.out).toBe(
      [
        'app\n',
        'Image configuration changes:\n',
        '  + add  ~ change  - remove\n',
        'Packages (+1, ~0, -0, final: 1):\n  + curl\n',
        'Environment (+1, ~0, -0, final: 1):\n  + HELLO: world\n',
        'Plan: 2 to add, 0 to change, 0 to remove\n',
        '',
      ].join('\n'),
    );
    expect(dry.err).toContain('error: 1 repository would change');
    expect(await overlayOf(world, 'app')).toBeUndefined();

    expect((await world.run([...build, 'apply', '--repo=app', here, `--file=${file}`, '-y'])).code).toBe(0);
    const same = await world.run([...build, 'apply', '--repo=app', here, `--file=${file}`, '--dry-run']);
    expect(same).toMatchObject({ code: 0, out: '', err: 'No changes.\n' });
    const json = await world.run([...build, 'apply', '--repo=app', here, `-f${written('{}')}`, '--dry-run', '-ojson']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out).items[0]).toMatchObject({
      name: 'app',
      sections: [
        { section: 'Packages', removed: ['curl'], final: 0 },
        { section: 'Environment', removed: ['HELLO: world'] },
      ],
    });
  });

  test('an empty file does not take everything away', async () => {
    const world = await withImages();
    await world.run([...build, 'apply', '--repo=app', here, `--file=${written(config)}`, '-y']);
    for (const text of ['', '\n', '# curl\n  # bash\n']) {
      const { code, err } = await world.run([...build, 'apply', '--repo=app', here, `-f${written(text)}`, '-y']);
      expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('config.yaml" is empty; write {}') });
    }
    expect(await overlayOf(world, 'app')).toMatchObject({ environment: { HELLO: 'world' } });
  });

  test('asks first, and silence is no', async () => {
    const world = await withImages();
    const words = [...build, 'apply', '--repo=app', here, `--file=${written(config)}`];
    const silent = await world.run(words);
    expect(silent.code).toBe(2);
    expect(silent.err).toContain('`--yes` is required');
    const no = await world.run(words, { stdin: 'n\n' });
    expect(no.code).toBe(1);
    expect(await overlayOf(world, 'app')).toBeUndefined();
    const yes = await world.run(words, { stdin: 'y\n' });
    expect(yes.code).toBe(0);
    expect(yes.err).toContain('Apply this to "app"? [y,N]');
    expect(await overlayOf(world, 'app')).toMatchObject({
      contents: { packages: ['curl'] },
      environment: { HELLO: 'world' },
    });
  });

  test('several by pattern: one question, every one changed, and a failure of one is told without stopping the rest', async () => {
    const world = await withImages();
    const file = written('contents:\n  packages: [curl]\n');
    const words = [...build, 'apply', here, '--repo=*n*', '--repo=python', `--file=${file}`];
    const both = await world.run(words, { tty: true, answers: [true] });
    expect(both.asked).toEqual([
      expect.stringMatching(
        /^On http:\S+, as dev@example\.com:\nnginx, python\n[\s\S]*Apply this to these 2 repositories\?$/,
      ),
    ]);
    expect(both.code, both.err).toBe(0);
    expect((await overlayOf(world, 'nginx')).contents.packages).toEqual(['curl']);
    expect(await overlayOf(world, 'app')).toBeUndefined();

    const bad = written('environment:\n  CHAINGUARD_X: no\n');
    const refused = await world.run([...build, 'apply', here, '--repo=*', `--file=${bad}`, '-y']);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/error: 3 of 3 repositories could not be changed\n {2}app: .*CHAINGUARD_X/);
    const none = await world.run([...build, 'apply', here, '--repo=zz*', `--file=${file}`, '-y']);
    expect(none.err).toContain('error: No repository matches "zz*"');
  });

  test('flags add to what is there; private keys and other files are refused', async () => {
    const world = await withImages();
    const { publicKey, privateKey } = newKeyPair('rsa');
    const key = written(String(publicKey.export({ type: 'spki', format: 'pem' })), 'team.rsa.pub');
    const secret = written(String(privateKey.export({ type: 'pkcs8', format: 'pem' })), 'team.rsa');
    await world.run([...build, 'apply', '--repo=app', here, `--file=${written(config)}`, '-y']);
    const added = await world.run([
      ...[...build, 'apply', '--repo=app', here, `--with-runtime-keys=${key}`, '-y'],
      '--with-runtime-repositories=https://apk.example.com/a,https://apk.example.com/b',
    ]);
    expect(added.code, added.err).toBe(0);
    expect(await overlayOf(world, 'app')).toMatchObject({
      contents: {
        packages: ['curl'],
        runtimeRepositories: ['https://apk.example.com/a', 'https://apk.example.com/b'],
        runtimeKeyring: [{ name: 'team.rsa.pub' }],
      },
      environment: { HELLO: 'world' },
    });
    const refused = await world.run([...build, 'apply', '--repo=app', here, `--with-runtime-keys=${secret}`, '-y']);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.err).toContain('holds a private key');
    const wrong = await world.run([...build, 'apply', '--repo=app', here, `--with-certificates=${key}`, '-y']);
    expect(wrong.err).toContain('is not a PEM certificate');
    const gone = await world.run([...build, 'apply', '--repo=app', here, '--with-certificates=gone.pem', '-y']);
    expect(gone.err).toContain('error: `--with-certificates` "gone.pem" does not exist');
  });

  test('mistakes in the file name the file and the field', async () => {
    const { run } = await withImages();
    const apply = async (text: string) => {
      const file = written(text);
      const { code, err } = await run([...build, 'apply', '--repo=app', here, `--file=${file}`, '-y']);
      expect(code).toBe(2);
      return err.replaceAll(file, 'FILE');
    };
    expect(await apply('contents:\n  pakages: [curl]\n')).toContain(
      'error: FILE: "contents.pakages" is not a field; did you mean "packages"?',
    );
    expect(await apply('contents: [\n')).toMatch(/error: FILE:2:1: /);
    expect(await apply('- curl\n')).toContain('error: FILE must hold an object');
    expect(await apply('contents: curl\n')).toContain('error: FILE: ');
    expect((await run([...build, 'apply', '--repo=app', here, '--file=nowhere.yaml'])).err).toContain(
      'error: `--file` "nowhere.yaml" does not exist',
    );
    expect((await run([...build, 'apply', '--repo=app', here])).err).toContain(
      'error: one of `--file`, `--with-certificates`, `--with-runtime-repositories` or `--with-runtime-keys` is required',
    );
  });

  test('kebab and camel case are read alike', async () => {
    const world = await withImages();
    const file = written('accounts:\n  users:\n    - username: app\n      uid: 7000\n  run-as: app\n');
    expect((await world.run([...build, 'apply', '--repo=app', here, `--file=${file}`, '-y'])).code).toBe(0);
    expect(await overlayOf(world, 'app')).toMatchObject({
      accounts: { users: [{ userName: 'app', uid: 7000 }], runAs: 'app' },
    });
  });

  test('--save-as makes a repository of its own and leaves the other alone; not for several', async () => {
    const world = await withImages();
    const file = written(config);
    const made = await world.run([...build, 'apply', '--repo=app', here, `--file=${file}`, '--save-as=mine', '-y']);
    expect(made.code, made.err).toBe(0);
    expect(await overlayOf(world, 'app')).toBeUndefined();
    expect((await overlayOf(world, 'mine')).environment).toEqual({ HELLO: 'world' });
    const many = await world.run([...build, 'apply', '--repo=*', here, `--file=${file}`, '--save-as=x', '-y']);
    expect(many.code).toBe(2);
    expect(many.err).toContain('`--save-as` works with one repository');
  });
});

describe('edit', () => {
  const editing =
    (...texts: ((text: string) => string)[]) =>
    (_command: string, args: readonly string[]) => {
      const path = args.at(-1) ?? '';
      const change = texts.shift();
      if (change === undefined) throw new Error('the editor was opened once too often');
      writeFileSync(path, change(readFileSync(path, 'utf8')));
      return 0;
    };
  const env = { EDITOR: 'ed' };
  const words = [...build, 'edit', '--repo=app', here];

  test('the text is checked, opened again while it is wrong, shown and confirmed', async () => {
    const world = await withImages();
    const seen: string[] = [];
    const foreground = editing(
      (text) => {
        seen.push(text);
        return 'nonsense: 1\n';
      },
      () => config,
    );
    const run = await world.run(words, { env, tty: true, answers: [true, true], foreground });
    expect(run.code, run.err).toBe(0);
    expect(seen[0]).toContain('#   packages:');
    expect(run.asked[0]).toContain('"nonsense" is not a field');
    expect(run.asked[1]).toContain('+ HELLO: world');
    expect(await overlayOf(world, 'app')).toMatchObject({ environment: { HELLO: 'world' } });
  });

  test('nothing written means nothing sent; a wrong text without a terminal is kept', async () => {
    const world = await withImages();
    const none = await world.run(words, { env, foreground: editing((text) => text) });
    expect(none).toMatchObject({ code: 0 });
    expect(none.err).toContain('Nothing was changed.');
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('chainctl-build-')).length;
    const wrong = await world.run(words, { env, foreground: editing(() => 'nonsense: 1\n') });
    expect(wrong.code).toBe(2);
    const kept = /your text is kept in (.*)/.exec(wrong.err)?.[1] ?? '';
    expect(readFileSync(kept, 'utf8')).toBe('nonsense: 1\n');
    expect(existsSync(kept)).toBe(true);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('chainctl-build-')).length).toBe(before + 1);
    const blind = await world.run(words);
    expect(blind.code).toBe(2);
    expect(blind.err).toContain('hint: name the configuration with `--file`');
  });

  test('the text starts with what is configured, and nothing else', async () => {
    const world = await withImages();
    await world.run([...build, 'apply', '--repo=app', here, `--file=${written(config)}`, '-y']);
    let seen = '';
    const foreground = editing((text) => {
      seen = text;
      return text;
    });
    await world.run(words, { env, foreground });
    expect(seen.replaceAll(/^#.*\n/gm, '')).toBe('contents:\n  packages:\n    - curl\nenvironment:\n  HELLO: world\n');
  });

  test('what somebody else changes meanwhile is not undone, and the text is kept', async () => {
    const world = await withImages();
    const other = written('contents: { packages: [bash] }\n');
    // The editor is on this file alone, so the other change is made from inside of it.
    const meanwhile = async (...change: string[]) => {
      const done = await world.run(['images', 'repos', ...change]);
      expect(done.code, done.err).toBe(0);
    };
    const foreground = async (_command: string, args: readonly string[]) => {
      await meanwhile('build', 'apply', '--repo=app', here, `--file=${other}`, '-y');
      writeFileSync(args.at(-1) ?? '', config);
      return 0;
    };
    const late = await world.run([...words, '--yes'], { env, foreground });
    expect(late.code).toBe(1);
    expect(late.err).toContain('error: Someone else changed the configuration of "app" meanwhile');
    expect(await overlayOf(world, 'app')).toMatchObject({ contents: { packages: ['bash'] } });
    const kept = /your text is kept in (.*)/.exec(late.err)?.[1] ?? '';
    const again = await world.run([...words, `--file=${kept}`], { stdin: 'y\n' });
    expect(again.code, again.err).toBe(0);
    expect(again.err).toContain('- bash');
    expect(await overlayOf(world, 'app')).toMatchObject({ environment: { HELLO: 'world' } });

    // Of the same repository, but not of its configuration.
    const elsewhere = async (_command: string, args: readonly string[]) => {
      await meanwhile('update', 'app', here, '--description=Described meanwhile');
      writeFileSync(args.at(-1) ?? '', 'environment: { HELLO: there }\n');
      return 0;
    };
    const edit = await world.run([...words, '--yes'], { env, foreground: elsewhere });
    expect(edit.code, edit.err).toBe(0);
    const { out } = await world.run(['images', 'repos', 'list', here, '--repo=app', '-o', 'json']);
    expect(JSON.parse(out).items[0]).toMatchObject({
      description: 'Described meanwhile',
      customOverlay: { environment: { HELLO: 'there' } },
    });
  });

  test('--file opens no editor', async () => {
    const world = await withImages();
    const run = await world.run([...words, `--file=${written(config)}`], { stdin: 'y\n' });
    expect(run.code, run.err).toBe(0);
    expect(await overlayOf(world, 'app')).toMatchObject({ environment: { HELLO: 'world' } });
  });
});

describe('list and logs', () => {
  test('a build that succeeds: its log to the end, its tags, its row', async () => {
    const world = await withImages();
    await world.run([...build, 'apply', '--repo=nginx', here, `--file=${written(config)}`, '-y']);
    const log = await world.run([...build, 'logs', '--repo=nginx', here]);
    expect(log.code, log.err).toBe(0);
    expect(log.out).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+Z\[INFO\]building example\.com\/nginx from sha256:/);
    expect(log.out).toContain('[INFO]amd64: installing curl ');
    const reports = await built(world, 'nginx');
    expect(reports.every(({ result }) => result === 'Success')).toBe(true);

    const table = await world.run([...build, 'list', here]);
    expect(table.out.split('\n')[0]).toMatch(/ START TIME +\| +COMPLETION TIME +\| RESULT +\| +TAGS/);
    expect(table.out).toMatch(/ \w{3}, \d\d \w{3} \d{4} [\d:]+ \S+ \| .*\| Success \| .*latest/);
    const ids = (await world.run([...build, 'list', here, '-o', 'id'])).out.trim().split('\n');
    expect(ids.sort()).toEqual(reports.map(({ id }) => id).sort());

    const one = await world.run([...build, 'logs', '--repo=nginx', here, `--build-id=${ids[0]}`, '-o', 'json']);
    expect(JSON.parse(one.out)).toMatchObject({ id: ids[0], result: 'Success' });
    const picked = await world.run([...build, 'logs', '--repo=nginx', here], {
      tty: true,
      answers: [ids[0] ?? ''],
    });
    expect(picked.err).toMatch(/Selected build \w{3}, .* - .* Success \(/);
    const gone = await world.run([...build, 'logs', '--repo=nginx', here, '--build-id=1234']);
    expect(gone.err).toContain('error: Build "1234" not found among those of the last day');
  });

  test('a build that fails: the reason in the log, exit code 1', async () => {
    const world = await withImages();
    const file = written('contents:\n  packages: [no-such-package]\n');
    await world.run([...build, 'apply', '--repo=app', here, `--file=${file}`, '-y']);
    const log = await world.run([...build, 'logs', '--repo=app', here]);
    expect(log.code).toBe(1);
    expect(log.out).toContain('[ERROR]package "no-such-package" is not in the catalog of this platform');
    expect(log.err).toMatch(/error: Build ".*" failed/);
  });

  test('nothing was built', async () => {
    const { run } = await withImages();
    const list = await run([...build, 'list', here]);
    expect(list).toMatchObject({ code: 0 });
    expect(list.err).toBe('No builds in the last day.\n');
    expect((await run([...build, 'list', here, '-o', 'json'])).out).toBe('{"reports":[]}\n');
    expect((await run([...build, 'logs', '--repo=app', here])).code).not.toBe(0);
  });
});

test.each([
  ['*', 'anything', true],
  ['nginx*', 'nginx-fips', true],
  ['nginx*', 'my-nginx', false],
  ['n?inx', 'nginx', true],
  ['[np]*', 'python', true],
  ['[!n]*', 'nginx', false],
  ['a.b', 'axb', false],
  ['a[', 'a[', true],
  ['a+(b)', 'a+(b)', true],
])('the pattern %s and the name %s', (glob, name, matches) => {
  expect(globPattern(glob).test(name)).toBe(matches);
});
