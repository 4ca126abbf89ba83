import { describe, expect, test } from 'vitest';
import { find } from '../../src/cli/program.ts';
import { runCli } from '../support/run-cli.ts';

const words = (line: string) => (line === '' ? [] : line.split(' '));

describe('a command is found', () => {
  test.each([
    ['', '', ''],
    ['config', 'config', ''],
    ['config view', 'config view', ''],
    ['config view --diff', 'config view', '--diff'],
    ['-o json config view', 'config view', '-o json'],
    ['-ojson config view', 'config view', '-ojson'],
    ['config -o json view', 'config view', '-o json'],
    ['config --output json view', 'config view', '--output json'],
    ['config --output=json view', 'config view', '--output=json'],
    ['config view -o json', 'config view', '-o json'],
    ['--force-color config view', 'config view', '--force-color'],
    ['-v 2 config view', 'config view', '-v 2'],
    ['--api https://x.test config view', 'config view', '--api https://x.test'],
    ['iam orgs ls', 'iam organizations list', ''],
    ['iam --parent engineering ids ls', 'iam identities list', '--parent engineering'],
    ['iam --expired identities list', 'iam identities list', '--expired'],
    ['iam identities list --parent iam', 'iam identities list', '--parent iam'],
    ['iam identities create github app', 'iam identities create github', 'app'],
    ['iam identities create app github', 'iam identities create', 'app github'],
    ['iam identities create --parent github app', 'iam identities create', '--parent github app'],
    ['iam identities create --parent p github app', 'iam identities create github', '--parent p app'],
    ['iam identities create --yes github app', 'iam identities create github', '--yes app'],
    ['iam identities create -n github', 'iam identities create', '-n github'],
    ['iam identities create -- github', 'iam identities create', '-- github'],
    ['iam identities create aws role r', 'iam identities create aws role', 'r'],
    ['auth pull-token', 'auth pull-token', ''],
    ['auth pull-token --parent list', 'auth pull-token', '--parent list'],
    ['auth pull-token --parent p list', 'auth pull-token list', '--parent p'],
    ['auth pull-tokens ls', 'auth pull-token list', ''],
    ['help', '', '--help'],
    ['help iam identities', 'iam identities', '--help'],
    ['iam help identities', 'iam identities', '--help'],
    ['iam identities help', 'iam identities', '--help'],
    ['config view help', 'config view', 'help'],
  ])('%s', async (line, path, rest) => {
    const found = await find(words(line));
    expect(found.path).toEqual(words(path));
    expect(found.rest).toEqual(words(rest));
  });
});

describe('what is not known is answered with the nearest', () => {
  test.each([
    ['confg', 'Unknown command "confg" for `chainctl`', 'did you mean `chainctl config`?'],
    [
      'libraries verify app.jar',
      "`chainctl libraries` is a command of Chainguard's own chainctl that this one does not have yet",
      "use Chainguard's own chainctl for `chainctl libraries`",
    ],
    // Two edits from `events`, which it was not meant for.
    [
      'agent dockerfile build',
      "`chainctl agent` is a command of Chainguard's own chainctl that this one does not have yet",
      "use Chainguard's own chainctl for `chainctl agent`",
    ],
    [
      'help libraries',
      "`chainctl libraries` is a command of Chainguard's own chainctl that this one does not have yet",
      "use Chainguard's own chainctl for `chainctl libraries`",
    ],
    ['frobnicate', 'Unknown command "frobnicate" for `chainctl`', 'see `chainctl --help`'],
    [
      'iam organisations list',
      'Unknown command "organisations" for `chainctl iam`',
      'did you mean `chainctl iam organizations`?',
    ],
    ['iam orgz', 'Unknown command "orgz" for `chainctl iam`', 'did you mean `chainctl iam organizations`?'],
    [
      'iam organizations lst',
      'Unknown command "lst" for `chainctl iam organizations`',
      'did you mean `chainctl iam organizations list`?',
    ],
    ['identities list', 'Unknown command "identities" for `chainctl`', 'did you mean `chainctl iam identities`?'],
    ['orgs list', 'Unknown command "orgs" for `chainctl`', 'did you mean `chainctl iam organizations`?'],
    ['login', 'Unknown command "login" for `chainctl`', 'did you mean `chainctl auth login`?'],
    [
      'status',
      'Unknown command "status" for `chainctl`',
      'did you mean `chainctl auth status` or `chainctl local status`?',
    ],
    ['config get default.group', 'Unknown command "get" for `chainctl config`', 'use `chainctl config view`'],
    ['get roles', 'Unknown command "get" for `chainctl`', 'see `chainctl --help`'],
    ['confg --help', 'Unknown command "confg" for `chainctl`', 'did you mean `chainctl config`?'],
    ['help confg', 'Unknown command "confg" for `chainctl`', 'did you mean `chainctl config`?'],
    ['-o json confg', 'Unknown command "confg" for `chainctl`', 'did you mean `chainctl config`?'],
    ['-- config', 'Unknown command "config" for `chainctl`', 'did you mean `chainctl config`?'],
    [
      'auth pull-token lst',
      'Unexpected argument "lst": `chainctl auth pull-token` takes no arguments',
      'did you mean `chainctl auth pull-token list`?',
    ],
    [
      'iam identities create githb app',
      'Unexpected argument "app": `chainctl iam identities create` takes NAME',
      'did you mean `chainctl iam identities create github`?',
    ],
    ['iam --bogus', 'Unknown flag `--bogus` for `chainctl iam`', 'see `chainctl iam --help`'],
    ['iam --outptu=json', 'Unknown flag `--outptu` for `chainctl iam`', 'did you mean `--output`?'],
    ['iam -x', 'Unknown flag `-x` for `chainctl iam`', 'see `chainctl iam --help`'],
    ['--parent foo', 'Unknown flag `--parent` for `chainctl`', 'see `chainctl --help`'],
    ['config view --dif', 'Unknown flag `--dif` for `chainctl config view`', 'did you mean `--diff`?'],
  ])('%s', async (line, message, hint) => {
    const run = await runCli(words(line).filter((word) => word !== '-o' && word !== 'json'));
    expect(run).toMatchObject({ code: 2, out: '', err: `error: ${message}\nhint: ${hint}\n` });
    const json = await runCli(['-o', 'json', ...words(line)]);
    expect(json.code).toBe(2);
    expect(JSON.parse(json.err)).toMatchObject({ code: 2, message, hint });
  });
});

describe('a group', () => {
  test.each([
    ['', 'chainctl COMMAND'],
    ['iam', 'chainctl iam COMMAND'],
    ['iam --help', 'chainctl iam COMMAND'],
    ['iam -h', 'chainctl iam COMMAND'],
    ['iam -o json', 'chainctl iam COMMAND'],
    ['help iam', 'chainctl iam COMMAND'],
    ['--help iam', 'chainctl iam COMMAND'],
  ])('shows its help on stdout and succeeds: %s', async (line, usage) => {
    const run = await runCli(words(line));
    expect(run).toMatchObject({ code: 0, err: '' });
    expect(run.out).toContain(`Usage: ${usage}`);
  });
});

test('help asks for no configuration, no home and no platform', async () => {
  const run = await runCli(['iam', 'identities', 'create', 'github', '--help'], {
    home: false,
    env: { CHAINCTL_CONFIG: '/nonexistent/folder/config.yaml', CHAINGUARD_PLATFORM_API: 'nonsense' },
  });
  expect(run).toMatchObject({ code: 0, err: '' });
  expect(run.out).toContain('chainctl iam identities create github NAME');
});
