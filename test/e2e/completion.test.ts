// Tab in real shells on a real terminal: the scripts that `chainctl completion` prints, sourced as people do.

import { beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type Person, type RunningPlatform, signIn } from '../support/program.ts';
import { openTerminal, type Terminal } from '../support/terminal.ts';

const world = createWorld();
let platform: RunningPlatform;
let developer: Person;

beforeAll(async () => {
  platform = await world.startPlatform();
  developer = world.person('developer', platform);
  await signIn(developer, platform);
  developer.write('a-file.yaml', 'x: 1\n');
  await developer.ok('iam', 'groups', 'create', 'with space', '--parent=example.com', '--yes');
});

interface Shell {
  readonly start: string;
  readonly source: string;
}

const shells: Readonly<Record<string, Shell>> = {
  bash: { start: 'PS1="$ " bash --norc --noprofile -i', source: 'eval "$(chainctl completion bash)"' },
  zsh: {
    start: 'PS1="$ " zsh -f -i',
    source: 'autoload -Uz compinit; compinit -u -d "$HOME/zcompdump"; eval "$(chainctl completion zsh)"',
  },
  fish: { start: 'fish --no-config -i', source: 'chainctl completion fish | source' },
};

/** A shell with the completion loaded, at an empty line. */
async function open({ start, source }: Shell): Promise<Terminal> {
  const screen = await openTerminal(developer.env, developer.home);
  screen.type(`clear; ${start}`);
  screen.press('Enter');
  await screen.shows(/[$#>] ?$/);
  screen.type(`${source}; echo loa''ded; stty -ixon`);
  screen.press('Enter');
  await screen.shows(/^loaded/m);
  screen.press('C-l');
  await screen.shows(/^.*[$#>] ?$/m);
  return screen;
}

/** Types a line, presses Tab and waits until the shell has made this of it. */
async function tab(screen: Terminal, line: string, becomes: string): Promise<void> {
  screen.press('C-u');
  screen.type(line);
  screen.press('Tab');
  // A space follows what was completed whole; it shows once something follows it.
  await screen.shows(becomes.trimEnd());
  screen.type('.');
  await screen.shows(`${becomes}.`);
}

describe.each(Object.entries(shells))('%s', (name, shell) => {
  test('commands, flags, formats, names on the platform and files', async () => {
    const screen = await open(shell);
    await tab(screen, 'chainctl iam organ', 'chainctl iam organizations ');
    await tab(screen, 'chainctl iam roles list --capab', 'chainctl iam roles list --capabilities ');
    await tab(screen, 'chainctl iam roles list --output=ma', 'chainctl iam roles list --output=markdown ');
    await tab(screen, 'chainctl iam roles list -o ma', 'chainctl iam roles list -o markdown ');
    await tab(screen, 'chainctl iam roles list --parent sandb', 'chainctl iam roles list --parent sandbox ');
    await tab(screen, 'chainctl iam roles list --parent=sandb', 'chainctl iam roles list --parent=sandbox ');
    await tab(screen, 'chainctl iam folders describe wi', String.raw`chainctl iam folders describe with\ space `);
    await tab(screen, 'chainctl iam roles list --config a-f', 'chainctl iam roles list --config a-file.yaml ');
  });

  test('several are listed, with what they do where the shell can show it', async () => {
    const screen = await open(shell);
    screen.type('chainctl iam ro');
    screen.press('Tab');
    await screen.shows('chainctl iam role');
    screen.press('Tab', 'Tab');
    const shown = await screen.shows(/role-bindings[\s\S]*roles/);
    if (name !== 'bash') expect(shown).toContain('Manage the roles that can be bound');
  });
});
