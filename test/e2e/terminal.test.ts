// Questions on a real terminal of 80 by 24, drawn by tmux, asked by bin/chainctl about a real platform.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type Person, type RunningPlatform, signIn } from '../support/program.ts';
import { openTerminal, type Terminal } from '../support/terminal.ts';

const world = createWorld();
let platform: RunningPlatform;
let developer: Person;

const second = 'second-organization.example';

/** The lines of a screen from the one with this text on. */
const from = (screen: string, text: string) => {
  const lines = screen.split('\n');
  return lines.slice(lines.findIndex((line) => line.includes(text)));
};

const api = async (path: string, body: unknown) => {
  const answer = await fetch(`${platform.api}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await developer.ok('auth', 'token')}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status, await answer.clone().text()).toBe(200);
  return (await answer.json()) as { id: string };
};

beforeAll(async () => {
  platform = await world.startPlatform();
  developer = world.person('developer', platform);
  await signIn(developer, platform);
  await api('/iam/v1/groups', {
    name: second,
    description: `Its description is long: ${'it goes on '.repeat(12)}漢字`,
  });
  // Its first login knew one organization only.
  await signIn(developer, platform);
});

async function terminal(): Promise<Terminal> {
  return openTerminal(developer.env, developer.home);
}

/** Types a command line; its exit code shows when it has ended. */
function run(screen: Terminal, line: string): void {
  screen.type(`clear; ${line}; echo "code $?"`);
  screen.press('Enter');
}

const create =
  'chainctl iam identities create from-terminal --identity-issuer=https://issuer.example --subject=robot --role=viewer';

describe('a location that is missing', () => {
  test('is picked from the tree of those there are, and the command is shown that asks nothing', async () => {
    const screen = await terminal();
    run(screen, create);
    const picker = from(await screen.shows('type to filter'), '[example.com]');
    expect(picker.slice(0, 6)).toEqual([
      '  > [example.com] A company to try things with',
      '    ├ [engineering] Everybody who builds',
      '    │ └ [platform] The team that runs the clusters',
      '    └ [sandbox] Try things here',
      expect.stringMatching(/^ {4}\[second-organization\.example\] Its description is long: .*…$/),
      '',
    ]);
    for (const line of picker) expect(line.length).toBeLessThan(80);

    screen.press('Down', 'Down');
    await screen.shows('  > │ └ [platform]');
    screen.press('End');
    await screen.shows(/^ {2}> \[second/m);
    screen.press('Home');
    await screen.shows('  > [example.com]');
    screen.type('second');
    await screen.shows(/belong\? {2}second$/m);
    await screen.shows(/^ {2}> \[second-organization\.example\]/m);
    screen.press('Enter');
    await screen.shows(`✔ Selected organization ${second}.`);
    const asked = await screen.shows('[Y,n]:');
    expect(asked).not.toContain('[example.com]');
    screen.press('Enter');
    const done = await screen.shows('code 0');
    const without = create.replace(' --role=viewer', '');
    expect(done.replaceAll('\n', '')).toContain(`Equivalent command: ${without} --parent=${second} --role=viewer`);
    const listed = JSON.parse(await developer.ok('iam', 'identities', 'list', `--parent=${second}`, '-o', 'json'));
    expect(listed.items).toMatchObject([{ name: 'from-terminal' }]);
  });

  test('fails with one sentence, what to do and exit 2 when there is no terminal', async () => {
    for (const line of [`${create} | cat`, `echo | ${create}`, `${create} </dev/null`]) {
      const ran = await developer.sh(`{ ${line}; } 2>err; echo "code $?"`);
      expect(developer.read('err')).toBe(
        'error: `--parent` is required when not running interactively\n' +
          'hint: name a location, or set one for good: `chainctl config set default.group NAME`\n',
      );
      if (!line.endsWith('| cat')) expect(ran.out).toBe('code 2\n');
    }
  });

  test('is given up with Escape, Ctrl-C and Ctrl-D', async () => {
    const screen = await terminal();
    for (const key of ['Escape', 'C-c', 'C-d']) {
      run(screen, create);
      await screen.shows('type to filter');
      screen.press(key);
      const left = await screen.shows('code 130');
      expect(from(left, 'Cancelled').slice(0, 2), key).toEqual(['Cancelled', 'code 130']);
      // The terminal is as it was: what is typed shows, and Ctrl-C ends a line.
      screen.type('echo still a shell');
      await screen.shows(/^[#$] echo still a shell/m);
      screen.press('C-c');
      await screen.shows('shell^C');
      screen.press('Enter');
      await screen.shows(/^[#$]$/m);
    }
  });
});

describe('a picker', () => {
  test('leaves stdout to the answer', async () => {
    const screen = await terminal();
    run(screen, 'chainctl iam organizations describe -o id > answer');
    await screen.shows('Which organization would you like to see?');
    screen.press('Enter');
    await screen.shows('code 0');
    expect(readFileSync(join(developer.home, 'answer'), 'utf8')).toMatch(/^[0-9a-f]{40}\n$/);
  });

  test('follows the window', async () => {
    const screen = await terminal();
    run(screen, 'chainctl iam organizations describe');
    await screen.shows('type to filter');
    await screen.resize(50, 24);
    const narrow = await screen.shows(/^ {4}\[second-organization\.example\] .{1,18}…$/m);
    for (const line of narrow.split('\n')) expect(line.length).toBeLessThanOrEqual(50);
    await screen.resize(100, 12);
    await screen.shows(/^ {4}\[second-organization\.example\] .{60,}…$/m);
    screen.press('Escape');
    await screen.shows('code 130');
  });

  test('keeps the question and the row under the cursor on the screen, however low the window', async () => {
    const screen = await terminal();
    for (const [columns, rows] of [
      [80, 6],
      [20, 6],
      [40, 3],
    ] as const) {
      await screen.resize(columns, rows);
      run(screen, 'chainctl iam role-bindings create');
      await screen.shows('> [example.com]');
      expect(screen.screen()).toMatch(/^Where should/m);
      for (const name of ['engineering', 'platform', 'sandbox']) {
        screen.press('Down');
        await screen.shows(new RegExp(`^ {2}> .*\\[${name.slice(0, 5)}`, 'm'));
      }
      expect(screen.screen()).toMatch(/^Where should/m);
      screen.press('Escape');
      await screen.shows('code 130');
    }
  });

  test('is asked once, however long the filter, and leaves no row behind when the window shrinks', async () => {
    const screen = await terminal();
    const before = Array.from({ length: 5 }, (_, at) => `echo line ${at}`).join('; ');
    run(screen, `${before}; chainctl iam organizations describe`);
    await screen.shows('type to filter');
    const long = 'second-organization.example-and-then-some-words-that-nobody-would-type-but-paste-here';
    screen.type(long);
    const filtered = await screen.shows(/paste-here$/m);
    expect(filtered.match(/Which organization/g)).toHaveLength(1);
    expect(filtered).toMatch(/see\? {2}….*paste-here$/m);
    expect(filtered).toContain('line 4\n');
    screen.press('Escape');
    await screen.shows(/^ {4}\[second-organization/m);
    await screen.resize(60, 24);
    await screen.shows(/^ {4}\[second-organization\.example\] .{12,28}…$/m);
    await screen.resize(45, 24);
    const narrow = await screen.shows(/^ {4}\[second-organization\.example\] .{0,13}…$/m);
    expect(narrow.match(/\[second/g)).toHaveLength(1);
    expect(narrow.match(/\[example\.com/g)).toHaveLength(1);
    expect(narrow).toContain('line 4\n');
    screen.press('Escape');
    await screen.shows('code 130');
  });

  test('is asked once for a text that wraps, whatever becomes of the window, with an example', async () => {
    const screen = await terminal();
    // The terminal keeps some of the rows above for itself when it breaks those below anew.
    const before = Array.from({ length: 5 }, (_, at) => `echo line ${at}`).join('; ');
    run(screen, `${before}; chainctl iam identities create github --parent=example.com`);
    await screen.shows(/called\?\n {2}for example my-app$/m);
    const long = 'a-name-that-is-so-long-that-with-the-question-before-it-takes-more-than-one-row-of-the-screen';
    screen.type(long);
    await screen.shows('of-the-screen');
    for (const [at, columns] of [60, 45, 100, 70].entries()) {
      await screen.resize(columns, 24);
      screen.type('x');
      const end = `-screen${'x'.repeat(at + 1)}`;
      const shown = await screen.shows(new RegExp(`${end.split('').join('\\n?')}$`));
      expect(shown.match(/What is the identity/g), `${columns} columns`).toHaveLength(1);
      expect(shown, `${columns} columns`).toContain('line 4\nWhat is the identity called? a-name');
      expect(shown.replaceAll('\n', '')).toContain(`called? ${long}x`);
    }
    screen.press('C-c');
    await screen.shows('code 130');
  });

  test('is as tall as the terminal', async () => {
    const screen = await terminal();
    const rows = () => screen.screen().match(/^ {2}(?: |>) \[ \] \[/gm)?.length ?? 0;
    for (const [height, most] of [
      [24, 18],
      [40, 34],
    ] as const) {
      await screen.resize(100, height);
      run(screen, 'chainctl iam roles create tall --parent=engineering');
      await screen.shows('space ticks');
      expect(rows()).toBeGreaterThanOrEqual(most - 3);
      // Nothing ticked is nothing chosen.
      screen.press('Enter');
      await screen.shows('Nothing is ticked: space ticks the row at the cursor');
      screen.press('Escape');
      await screen.shows('code 130');
    }
  });

  test.each(['TERM=dumb', 'ACCESSIBLE=1'])('is numbered lines with %s', async (variable) => {
    const screen = await terminal();
    run(screen, `${variable} chainctl iam organizations describe -o id`);
    expect(await screen.shows('Number or name:')).toMatch(
      /Which organization would you like to see\?\n {2}1\. example\.com {2}A company.*\n {2}2\. second-org/,
    );
    screen.type('3');
    screen.press('Enter');
    await screen.shows('Type a number from 1 to 2, or a name');
    screen.type('2');
    screen.press('Enter');
    expect(await screen.shows('code 0')).toMatch(/✔ Selected organization second-organization\.example\.\n/);
    run(screen, `${variable} chainctl iam organizations describe`);
    await screen.shows('Number or name:');
    screen.press('C-d');
    await screen.shows('code 130');
    run(screen, `${variable} chainctl iam organizations describe`);
    await screen.shows('Number or name:');
    screen.press('C-c');
    await screen.shows('code 130');
  });

  test('shows no color with NO_COLOR', async () => {
    const screen = await terminal();
    run(screen, 'CI=true chainctl iam organizations describe');
    await screen.shows('code 2');
  });
});

describe('Ctrl-Z', () => {
  test('leaves a picker for a while, and fg asks again where it was', async () => {
    const screen = await terminal();
    screen.type('clear; chainctl iam organizations describe -o id > answer');
    screen.press('Enter');
    await screen.shows('type to filter');
    screen.press('Down');
    await screen.shows('> [second');
    screen.press('C-z');
    const left = from(await screen.shows(/Stopped.*\n[#$]/s), 'Which organization');
    expect(left.join('\n')).not.toContain('[example.com]');
    screen.type('echo in between; fg');
    screen.press('Enter');
    const again = await screen.shows(/> \[second.*type to filter/s);
    expect(again).toContain('in between\n');
    screen.press('Enter');
    await screen.shows(`✔ Selected`);
    expect(readFileSync(join(developer.home, 'answer'), 'utf8')).toMatch(/^[0-9a-f]{40}\n$/);
  });

  test('leaves a question for a text, which keeps what was typed', async () => {
    const screen = await terminal();
    screen.type('clear; chainctl iam identities create github');
    screen.press('Enter');
    await screen.shows('What is the identity called?');
    screen.type('half');
    screen.press('C-z');
    await screen.shows(/called\? half\n.*Stopped/s);
    screen.type('fg');
    screen.press('Enter');
    await screen.shows(/called\? half$/);
    screen.type('way');
    await screen.shows(/called\? halfway$/);
    screen.press('C-c');
    await screen.shows(/^Cancelled/m);
  });

  test('leaves a question for a secret, which keeps what was typed and shows stars for it', async () => {
    const screen = await terminal();
    const provider = '--name=from-terminal --oidc-issuer=https://accounts.google.com --oidc-client-id=foo';
    screen.type(`clear; chainctl iam identity-providers create ${provider} --parent=example.com --default-role=viewer`);
    screen.press('Enter');
    await screen.shows('What is the client secret?');
    screen.type('hid');
    await screen.shows(/secret\? \*{3}$/m);
    screen.press('C-z');
    await screen.shows(/secret\? \*{3}\n.*Stopped/s);
    screen.type('fg');
    screen.press('Enter');
    await screen.shows(/secret\?$/);
    screen.type('den');
    expect(await screen.shows(/secret\? \*{6}$/m)).not.toContain('hid');
    screen.press('C-c');
    await screen.shows(/^Cancelled/m);
  });

  test('changes nothing where no shell could go on', async () => {
    const screen = await terminal();
    screen.type('clear; exec chainctl iam organizations describe');
    screen.press('Enter');
    await screen.shows('type to filter');
    screen.press('C-z');
    await screen.shows(/Which organization.*Which organization.*type to filter/s);
    screen.press('Down');
    await screen.shows('> [second');
  });
});

describe('a yes/no question', () => {
  const remove = 'chainctl iam identities delete';

  test('takes y and n, and Enter for its default', async () => {
    const parent = '--parent=example.com';
    await developer.ok(
      ...['iam', 'identities', 'create', 'doomed', parent, '--identity-issuer=https://issuer.example'],
      ...['--subject=doomed', '--yes'],
    );
    const screen = await terminal();
    run(screen, `${remove} doomed ${parent}`);
    await screen.shows(/\[y,N\]:$|\[Y,n\]:$/m);
    screen.type('what');
    screen.press('Enter');
    await screen.shows('Answer y or n');
    screen.press('C-u');
    screen.type('n');
    screen.press('Enter');
    expect(await screen.shows('code 1')).toContain('Nothing was changed');
    run(screen, `${remove} doomed ${parent}`);
    await screen.shows(/\[y,N\]:$|\[Y,n\]:$/m);
    screen.type('y');
    screen.press('Enter');
    await screen.shows('code 0');
    const left = JSON.parse(await developer.ok('iam', 'identities', 'list', parent, '--name=doomed', '-o', 'json'));
    expect(left).toEqual({ items: [] });
  });

  test('is over with Ctrl-C', async () => {
    const screen = await terminal();
    run(screen, `${create} --parent=example.com`);
    await screen.shows('[Y,n]:');
    screen.press('C-c');
    await screen.shows('code 130');
  });
});

test('JSON is indented and times are relative on a terminal', async () => {
  const screen = await terminal();
  run(screen, 'chainctl iam organizations describe example.com -o json');
  await screen.shows(/^ {2}"name": "example\.com",?$/m);
  run(screen, 'chainctl auth status');
  await screen.shows(/Expiry +\| in \d+ minutes$/m);
});
