// Each format of each view, with a small fixed answer, in a pipe and on a colored terminal of 80 columns.

import { beforeEach, expect, test, vi } from 'vitest';
import { loadCommands } from '../../scripts/gen-index.ts';
import type { Format, View } from '../../src/cli/define.ts';
import { formatsOf } from '../../src/cli/formats.ts';
import { createIo } from '../../src/cli/io.ts';
import { itemsFor, renderers } from '../../src/cli/output/renderer.ts';
import { displayWidth } from '../../src/cli/width.ts';
import { fakeHost } from '../support/fake-host.ts';
import { answers } from './answers.ts';
import { expectGolden, expectNoOthers } from './golden.ts';

interface Shown {
  /** The commands that show their answer this way; the one with an answer names the files. */
  readonly commands: string[];
  readonly formats: Set<Format>;
}

const views = new Map<View<unknown>, Shown>();
for (const { definition } of await loadCommands()) {
  if (definition.view === undefined) continue;
  const shown = views.get(definition.view) ?? { commands: [], formats: new Set() };
  views.set(definition.view, shown);
  shown.commands.push(definition.path.join(' '));
  for (const format of formatsOf(definition)) shown.formats.add(format);
}

// Some lines are written in local time.
beforeEach(() => void vi.stubEnv('TZ', 'UTC'));
const now = Date.parse('2026-03-27T12:00:00Z');

async function rendered(
  view: View<unknown>,
  format: Format,
  answer: unknown,
  tty: boolean,
  { columns = 80, env = {} }: { readonly columns?: number; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const host = fakeHost({ tty, columns, env, now });
  const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
  const { render } = await renderers[format]();
  const isList = Array.isArray(answer);
  const items = itemsFor(format, view, isList ? answer : [answer]);
  await render({ view, items, isList, io, now, shortIds: isList });
  expect(host.stderr.text).toBe('');
  return host.stdout.text;
}

const files: string[] = [];

for (const [view, { commands, formats }] of views) {
  const name = commands.find((command) => command in answers) ?? commands[0] ?? '';
  test.each([...formats].filter((format) => format !== 'none'))(`${name} as %s`, async (format) => {
    const answer = answers[name];
    expect(answer, `test/golden/answers.ts has an answer of \`${name}\``).toBeDefined();
    const golden = (suffix: string, text: string) => {
      const file = `outputs/${name.replaceAll(' ', '-')}.${format}${suffix}.txt`;
      files.push(file);
      expectGolden(file, text);
    };
    const inPipe = await rendered(view, format, answer, false);
    expect(inPipe, 'no color in a pipe').not.toContain('\u001b');
    golden('', inPipe);
    const onTerminal = await rendered(view, format, answer, true);
    if (onTerminal !== inPipe) golden('.terminal', onTerminal);
  });
}

// What a person sees of each list on three terminals; colors are looked at above.
const screens = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 200, rows: 50 },
];
const screenFiles: string[] = [];

for (const [view, { commands }] of views) {
  const name = commands.find((command) => command in answers) ?? commands[0] ?? '';
  if (view.columns === undefined || !Array.isArray(answers[name])) continue;
  test.each(screens)(`${name} on $columns × $rows`, async ({ columns, rows }) => {
    const text = await rendered(view, 'table', answers[name], true, { columns, env: { NO_COLOR: '1' } });
    expect(text).not.toContain('\u001b');
    const lines = text.trimEnd().split('\n');
    for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(columns);
    const file = `screens/${name.replaceAll(' ', '-')}.${columns}x${rows}.txt`;
    screenFiles.push(file);
    expectGolden(file, text);
  });
}

test('there is no screen of a view that is gone', () => expectNoOthers('screens', screenFiles));

test('there is no output of a view that is gone, and no answer either', () => {
  expectNoOthers('outputs', files);
  const names = [...views.values()].flatMap(({ commands }) => commands);
  expect(Object.keys(answers).filter((name) => !names.includes(name))).toEqual([]);
});
