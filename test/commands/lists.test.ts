// What every list can do, whatever it lists: fit the terminal, sort, limit, query, yaml, csv, short ids.

import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadCommands } from '../../scripts/gen-index.ts';
import { acceptedFormats } from '../../src/cli/formats.ts';
import { isList } from '../../src/cli/spelling.ts';
import { displayWidth } from '../../src/cli/width.ts';
import { signedIn } from '../support/signed-in.ts';

const list = ['iam', 'identities', 'list'];
const long = 'a-name-that-goes-on-and-on-and-on-and-on-and-on-until-no-terminal-has-room-for-it';

async function withIdentities() {
  const world = await signedIn();
  const { run } = world;
  for (const name of ['zeta', 'alpha', long]) {
    const words = [
      'iam',
      'identities',
      'create',
      'github',
      name,
      '--github-repo=acme/app',
      '--parent=engineering',
      '-y',
    ];
    expect((await run(words)).code).toBe(0);
  }
  return world;
}

test('every list has json, yaml and csv', async () => {
  const lists = (await loadCommands()).map(({ definition }) => definition).filter(isList);
  expect(lists.length).toBeGreaterThan(15);
  for (const definition of lists) {
    const name = definition.path.join(' ');
    expect(acceptedFormats(definition), name).toEqual(expect.arrayContaining(['json', 'yaml']));
    if (definition.view?.columns !== undefined) {
      expect(acceptedFormats(definition), name).toEqual(expect.arrayContaining(['csv', 'table', 'wide', 'markdown']));
    }
  }
});

test.each([60, 80, 120, 200])('a list fits a terminal of %i columns, one line for each item', async (columns) => {
  const { run } = await withIdentities();
  const whole = await run([...list, '-ojson']);
  const count = JSON.parse(whole.out).items.length;
  const { out } = await run(list, { tty: true, columns });
  const lines = out.trimEnd().split('\n');
  for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(columns);
  expect(lines).toHaveLength(count + 2);
  expect(lines.find((line) => line.includes('a-name-that'))).toMatch(columns < 200 ? /…/ : /acme\/app/);
});

test('ids are short only in the default table on a terminal, and a short one is accepted', async () => {
  const { run } = await withIdentities();
  const { out: json } = await run([...list, '--name=zeta', '-ojson']);
  const id: string = JSON.parse(json).items[0].id;
  const end = id.slice(id.lastIndexOf('/') + 1);
  const shown = (await run([...list, '--name=zeta'], { tty: true })).out;
  const short = /^ ([0-9a-f]+) +\| zeta/m.exec(shown)?.[1] ?? '';
  expect(end.startsWith(short)).toBe(true);
  expect(short.length).toBeLessThan(end.length);
  for (const [words, options] of [
    [[...list, '--name=zeta', '-otable'], { tty: true }],
    [[...list, '--name=zeta', '-owide'], { tty: true }],
    [[...list, '--name=zeta'], {}],
  ] as const) {
    expect((await run(words, options)).out).toContain(id);
  }
  expect(JSON.parse((await run(['iam', 'identities', 'describe', short])).out).id).toBe(id);
  expect((await run(['iam', 'identities', 'delete', short, '-y'])).code).toBe(0);
  expect((await run([...list, '--name=zeta', '-oid'])).out).toBe('');
});

test('a pipe gets everything, however wide', async () => {
  const { run } = await withIdentities();
  const { out } = await run(list, { columns: 80 });
  expect(out).toContain(long);
  expect(out).not.toContain('…');
  expect(out.split('\n')[0]).toMatch(/ID .* NAME .* SUBJECT .* LAST SEEN .* CREATED/);
});

test('--sort-by takes a column in any spelling or a field of the JSON, for every format; - is descending', async () => {
  const { run } = await withIdentities();
  const names = async (...words: string[]) =>
    JSON.parse((await run([...list, ...words, '--parent=engineering', '-ojson'])).out).items.map(
      ({ name }: { name: string }) => name,
    );
  const rising = await names('--sort-by=name');
  expect(rising).toEqual([...rising].sort());
  expect(await names('--sort-by=-NAME')).toEqual([...rising].reverse());
  expect(await names('--sort-by=claimMatch.issuer')).toHaveLength(3);
  const table = (await run([...list, '--sort-by=-name', '--parent=engineering'])).out;
  expect(table.indexOf('zeta')).toBeLessThan(table.indexOf('alpha'));
  expect(await run([...list, '--sort-by=nmae'])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/`--sort-by` names no column: "nmae"\nhint: use one of id, name, type, .*last-seen/),
  });
});

test('--limit counts after the order that people see', async () => {
  const { run } = await withIdentities();
  const { out } = await run([...list, '--limit=1', '--parent=engineering', '--sort-by=-name', '-oid']);
  expect(out.trimEnd().split('\n')).toHaveLength(1);
  expect((await run([...list, '--limit=2'])).out.trimEnd().split('\n')).toHaveLength(4);
  expect((await run([...list, '--limit=0', '-ojson'])).out).toBe('{"items":[]}\n');
  expect((await run([...list, '--limit=x'])).err).toContain('`--limit` must be a whole number');
  expect((await run(['iam', 'roles', 'create', 'x', '--limit=1'])).err).toContain('Unknown flag `--limit`');
});

test('--query is JMESPath over the JSON: texts bare, the rest as JSON or YAML', async () => {
  const { run } = await withIdentities();
  const query = (expression: string, ...words: string[]) => run([...list, `--query=${expression}`, ...words]);
  expect((await query("items[?name=='alpha'].name")).out).toBe('alpha\n');
  expect((await query("items[?name=='alpha'].name", '-ojson')).out).toBe('["alpha"]\n');
  expect((await query("items[?name=='alpha'].{n: name}")).out).toBe('[{"n":"alpha"}]\n');
  expect(parse((await query("items[?name=='alpha'].{n: name}", '-oyaml')).out)).toEqual([{ n: 'alpha' }]);
  expect((await query('length(items)', '--limit=2')).out).toBe('2\n');
  expect((await query('nothing')).out).toBe('null\n');
  expect(await query('items[', '-ojson')).toMatchObject({ code: 2, out: '' });
  expect((await query('name', '-otable')).err).toContain('`--query` goes with `--output` json or yaml');
});

test('a query that is none changes nothing', async () => {
  const { run } = await withIdentities();
  const words = ['iam', 'identities', 'create', 'github', 'never', '--github-repo=a/b', '--parent=engineering', '-y'];
  expect((await run([...words, '--query=items['])).code).toBe(2);
  expect((await run([...list, '--name=never', '-oid'])).out).toBe('');
});

test('a pull token can be shown and revoked; another identity cannot be taken for one', async () => {
  const { run } = await withIdentities();
  const made = JSON.parse((await run(['auth', 'pull-token', '--parent=engineering', '--name=ci', '-ojson'])).out);
  const listed = (await run(['auth', 'pull-token', 'list'], { tty: true, columns: 120 })).out;
  expect(listed).toMatch(/NAME .*EXPIRES .*CREATED .*LAST USED/);
  expect(listed).toContain('in 30 days');
  expect((await run(['auth', 'pull-token', 'list', '-ocsv'])).out).toMatch(/^ID,NAME,DESCRIPTION,ROLES,EXPIRES,/);
  const name: string = JSON.parse((await run(['auth', 'pull-token', 'list', '-ojson'])).out).items[0].name;
  expect(JSON.parse((await run(['auth', 'pull-token', 'describe', name])).out).id).toBe(made.identity_id);
  expect((await run(['auth', 'pull-token', 'delete', 'alpha', '-y'])).err).toContain('but no pull token');
  expect((await run(['auth', 'pull-token', 'revoke', name], { tty: true, answers: [true] })).err).toContain('Revoked');
  expect((await run(['auth', 'pull-token', 'list', '-oid'])).out).not.toContain(made.identity_id);
});

test('an invite says where it leads; a role is one line on a terminal', async () => {
  const { run } = await withIdentities();
  await run(['iam', 'invites', 'create', 'engineering', '--role=viewer', '-ojson']);
  const invites = (await run(['iam', 'invites', 'list'], { tty: true, env: { NO_COLOR: '1' } })).out;
  expect(invites).toMatch(/\| in 7 days .*\| viewer +\| engineering/);
  const roles = (await run(['iam', 'roles', 'list'], { tty: true })).out.trimEnd().split('\n');
  const count = JSON.parse((await run(['iam', 'roles', 'list', '-ojson'])).out).items.length;
  expect(roles).toHaveLength(count + 2);
  expect(roles.find((line) => line.includes(' owner '))).toMatch(/\| \d+: /);
});

test('wide on a terminal has whole times with the zone', async () => {
  const { run } = await withIdentities();
  expect((await run([...list, '-owide'], { tty: true })).out).toMatch(
    /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)/,
  );
});
