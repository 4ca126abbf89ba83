// What happens at the ends of the program's streams: readers that stop, stall or were never there, a full disk, somebody
// else's standard input, a signal in the middle of a wait. Through bin/chainctl and a POSIX shell.

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createWorld, type Person, type RunningPlatform, signIn, until } from '../support/program.ts';

const world = createWorld();
let user: Person;

/** More than any buffer between two programs holds. */
const megabytes = 5;

beforeAll(() => {
  user = world.person('user');
  const value = '0123456789abcdef'.repeat(megabytes * 64 * 1024);
  user.write('big.yaml', `default:\n  group: ${JSON.stringify(value)}\n`);
  user.write('bad.yaml', 'default: [\n');
});

const big = 'chainctl config view -o json --config big.yaml';

describe('a reader that stops early', () => {
  test.each([
    [`${big}`, 'head -c 100'],
    [`${big}`, 'true'],
    ['chainctl --help', 'head -1'],
    ['chainctl iam identities create --help', 'head -1'],
    ['chainctl --version', 'true'],
    ['chainctl version', 'true'],
    ['chainctl config view', 'head -1'],
  ])('%s | %s ends quietly', async (command, reader) => {
    const ran = await user.sh(`{ sleep 0.2; ${command}; echo "code $?" >&2; } | ${reader}`);
    expect(ran.err).toBe('code 0\n');
  });

  test('of stderr leaves the exit code alone', async () => {
    const ran = await user.sh('{ sleep 0.2; chainctl nonsense; echo "code $?" >&3; } 3>&1 2>&1 >/dev/null | true');
    expect(ran.err).toBe('');
    const direct = await user.sh('exec 3>&1; { sleep 0.2; chainctl nonsense 2>&1 >&3; echo "code $?" >&3; } | true');
    expect(direct.out).toBe('code 2\n');
  });
});

describe('a slow reader gets everything', () => {
  test('through a pipe', async () => {
    const size = Number((await user.sh(`${big} > whole; wc -c < whole`)).out);
    expect(size).toBeGreaterThan(megabytes * 1024 * 1024);
    const ran = await user.sh(`${big} | (sleep 1; cat) | cmp - whole && echo same`);
    expect(ran).toMatchObject({ code: 0, out: 'same\n', err: '' });
  });

  test('through a pipe that another program made non-blocking', async () => {
    user.write(
      'unblock.cjs',
      'process.stdout.write(""); process.on("SIGTERM", () => process.exit());setTimeout(() => {}, 30000);',
    );
    // The other program holds the same pipe; what it sets on it holds for both.
    const ran = await user.sh(
      `{ node unblock.cjs & other=$!
         until grep -q '^flags:.*4...$' /proc/$other/fdinfo/1; do sleep 0.05; done
         echo "non-blocking" >&2
         ${big}; echo "code $?" >&2
         kill $other; wait; } | (sleep 1; cat) | cmp - whole && echo same`,
    );
    expect(ran).toMatchObject({ code: 0, out: 'same\n', err: 'non-blocking\ncode 0\n' });
  });
});

describe('an output that takes nothing', () => {
  test.each([
    'chainctl --version',
    'chainctl version',
    'chainctl --help',
    'chainctl config view --help',
    'chainctl config view',
    'chainctl config view --config big.yaml',
  ])('%s on a full disk is an error', async (command) => {
    const ran = await user.sh(`${command} > /dev/full`);
    expect(ran).toMatchObject({
      code: 1,
      err: 'error: The output could not be written: the disk is full\n',
    });
  });

  test('a full disk for stderr leaves stdout and the exit code alone', async () => {
    expect(await user.sh('chainctl nonsense 2>/dev/full')).toMatchObject({ code: 2, out: '' });
    const warned = await user.sh('chainctl config view -o json --config nowhere.yaml 2>/dev/full');
    expect(warned.code).toBe(0);
    expect(JSON.parse(warned.out)).toHaveProperty('default');
  });

  test.each([
    ['chainctl config view >&-', 0],
    ['chainctl config view >&- 2>&-', 0],
    ['chainctl config view <&-', 0],
    ['chainctl nonsense 2>&-', 2],
    ['chainctl nonsense <&- >&- 2>&-', 2],
    ['chainctl config view <&- >&- 2>&-', 0],
  ])('%s', async (command, code) => {
    expect(await user.sh(`${command}; echo "code $?" > result`)).toMatchObject({ err: '' });
    expect(user.read('result')).toBe(`code ${code}\n`);
  });
});

describe('standard input', () => {
  const reset = async () => user.write('.config/chainctl/config.yaml', 'default:\n  group: mine\n');

  test('is nobody’s business while nothing is asked', async () => {
    const ran = await user.sh(
      'printf "one\\ntwo\\nthree\\n" | while read name; do chainctl config view >/dev/null; echo "$name"; done',
    );
    expect(ran).toMatchObject({ out: 'one\ntwo\nthree\n', err: '' });
  });

  test('a pipe gives one line to a question and the rest to the next program', async () => {
    await reset();
    user.write('answers', 'y\nrest\nof it\n');
    const ran = await user.sh('cat answers | { chainctl config reset; echo "code $?" >&2; cat; }');
    expect(ran.out).toBe('rest\nof it\n');
    expect(ran.err).toMatch(/\? \[[yY],[nN]\]: \n[\s\S]*code 0\n$/);
  });

  test.each(['y\\n', 'yes', 'YES\\r\\n'])(
    'a file that is one answer, as some shells make of <<<, counts: %s',
    async (text) => {
      await reset();
      const ran = await user.sh(`printf '${text}' > answer; chainctl config reset < answer`);
      expect(ran).toMatchObject({ code: 0, out: '' });
      expect(ran.err).toContain('Removed');
    },
  );

  test('<<<y of bash counts', async () => {
    await reset();
    expect(await user.sh("bash -c 'chainctl config reset <<<y'")).toMatchObject({ code: 0 });
  });

  test.each([
    ['a loop over a file', 'done < names', 'y\nyes\nn\nlast\n'],
    ['a loop over a file of one line', 'done < names', 'y\n'],
  ])('%s loses no line, even where one reads like an answer', async (_name, end, names) => {
    await reset();
    user.write('names', names);
    const ran = await user.sh(
      `rm -f errors; while read name; do chainctl config reset 2>>errors; echo "$name $?"; ${end}; cat errors >&2`,
    );
    expect(ran.out).toBe(names.replaceAll('\n', ' 2\n'));
    expect(ran.err).not.toContain('[y,N]');
    expect(ran.err.match(/error: `--yes` is required: no question can be asked here\n {2}Remove /g)).toHaveLength(
      names.split('\n').length - 1,
    );
    expect(user.read('.config/chainctl/config.yaml')).toContain('mine');
  });

  test('a loop over a pipe that loses a line says so with its exit code', async () => {
    await reset();
    const ran = await user.sh(
      'printf "one\\ntwo\\nthree\\n" | while read name; do chainctl config save 2>/dev/null; echo "$name $?"; done',
    );
    expect(ran.out).toBe('one 2\nthree 2\n');
  });

  test('with "n" changes nothing, and the question is not on stdout', async () => {
    await reset();
    const ran = await user.sh('echo n | chainctl config reset');
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toContain('Nothing was changed');
    expect(user.read('.config/chainctl/config.yaml')).toContain('mine');
  });

  test('an endless supply of answers is enough', async () => {
    await reset();
    expect(await user.sh('yes | chainctl config reset')).toMatchObject({ code: 0, out: '' });
  });

  test.each(
    ['reset', 'save'].flatMap((verb) => [
      `chainctl config ${verb} </dev/null`,
      `chainctl config ${verb} <&-`,
      `: | chainctl config ${verb}`,
      `chainctl config ${verb} < .`,
    ]),
  )('with nobody behind it agrees to nothing: %s', async (command) => {
    await reset();
    const ran = await user.sh(command);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain('error: `--yes` is required');
    expect(user.read('.config/chainctl/config.yaml')).toBe('default:\n  group: mine\n');
  });
});

describe('an interruption', () => {
  /** Starts it, waits for the moment, signals it and tells how long it took to end. */
  async function interrupted(
    args: readonly string[],
    ready: (err: string) => boolean,
    signal: NodeJS.Signals,
    env = {},
  ) {
    const child = spawn(join(world.root, 'bin', 'chainctl'), args, {
      cwd: user.home,
      env: { ...user.env, ...env },
      // Its standard input is a pipe into which nobody ever writes.
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    await until(() => ready(err), 'it waits');
    const start = performance.now();
    child.kill(signal);
    const code = await new Promise((resolve) => child.once('close', (exit, by) => resolve(exit ?? by)));
    return { code, out, err, ms: performance.now() - start };
  }

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('of a question: %s', async (signal) => {
    user.write('.config/chainctl/config.yaml', 'default:\n  group: mine\n');
    const ran = await interrupted(['config', 'reset'], (err) => err.includes(']: '), signal);
    expect(ran).toMatchObject({ code: 130, out: '' });
    expect(ran.err).toMatch(/\]: \n?Interrupted\n$/);
    expect(ran.ms).toBeLessThan(2000);
    expect(user.read('.config/chainctl/config.yaml')).toContain('mine');
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('of a wait for the platform: %s', async (signal) => {
    let asked = 0;
    const silent = createServer((socket) => {
      // Whoever is interrupted does not always say goodbye.
      socket.on('error', () => {});
      asked += 1;
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('it has a port');
    const url = `http://127.0.0.1:${address.port}`;
    const ran = await interrupted(['config', 'validate'], () => asked > 0, signal, {
      CHAINGUARD_PLATFORM_API: url,
      CHAINGUARD_PLATFORM_ISSUER: url,
    });
    expect(ran).toMatchObject({ code: 130, out: '', err: 'Interrupted\n' });
    expect(ran.ms).toBeLessThan(2000);
  });
});

describe('a write that nobody reads any further', () => {
  const ended = { INT: 130, TERM: 143, HUP: 129 };

  test.each(['INT', 'TERM', 'HUP'] as const)('is ended by SIG%s', async (signal) => {
    // The reader lives on, as `less` does when Ctrl-C is pressed in front of it.
    const ran = await user.sh(
      `mkfifo ${signal}
       { head -c 1 > ${signal}.begun; exec sleep 100; } < ${signal} & reader=$!
       ${big} > ${signal} & program=$!
       until [ -s ${signal}.begun ]; do sleep 0.05; done; sleep 0.5
       kill -${signal} $program; wait $program; echo "code $?"; kill $reader`,
      { timeoutMs: 20_000 },
    );
    expect(ran.out).toBe(`code ${ended[signal]}\n`);
  });
});

describe('color', () => {
  const warn = 'chainctl config view --config nowhere.yaml';

  test('never reaches a pipe or a file by itself', async () => {
    for (const env of [{ TERM: 'xterm-256color' }, { TERM: 'dumb' }, { NO_COLOR: '1' }]) {
      const ran = await user.sh(`${warn} 2>&1 | cat; chainctl nonsense 2>&1; chainctl --help > help; cat help`, {
        env,
      });
      expect(ran.out).toContain('warning:');
      expect(ran.out).not.toContain('\u001b');
    }
  });

  test('can be forced', async () => {
    const ran = await user.sh(`${warn} --force-color`, { env: { NO_COLOR: '1' } });
    expect(ran.err).toContain('\u001b[33mwarning:\u001b[39m');
    expect((await user.sh(`${warn} --force-color=false`)).err).not.toContain('\u001b');
  });
});

describe('answers of a platform', () => {
  let platform: RunningPlatform;
  let developer: Person;

  beforeAll(async () => {
    platform = await world.startPlatform();
    developer = world.person('developer', platform);
    await signIn(developer, platform);
  });

  test.each(['json', 'table', 'id'])('iam roles list -o %s survives a reader that leaves', async (format) => {
    const ran = await developer.sh(
      `{ chainctl iam roles list -o ${format}; echo "code $?" >&2; } | head -c 20 | wc -c`,
    );
    expect(ran.err).toBe('code 0\n');
    expect(ran.out.trim()).toBe('20');
  });

  test('are whole for a reader that is slow, silent on stderr, and one line of JSON', async () => {
    const ran = await developer.sh('chainctl iam roles list -o json 2>&1 | (sleep 1; cat)');
    expect(ran.out.split('\n')).toHaveLength(2);
    expect(JSON.parse(ran.out).items.length).toBeGreaterThan(10);
    expect(ran.out).not.toMatch(/[{[,:] | [}\]]/);
  });

  test('a platform that goes away half-way leaves no document that parses', async () => {
    const ran = await developer.sh('chainctl iam organizations list -o json', {
      env: { CHAINGUARD_PLATFORM_API: 'http://127.0.0.1:9' },
    });
    expect(ran.code).not.toBe(0);
    expect(ran.out).toBe('');
  });
});
