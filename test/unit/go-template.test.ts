import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runTemplate } from '../../src/cli/output/go-template/execute.ts';
import type { Value } from '../../src/cli/output/go-template/format.ts';
import { TemplateError } from '../../src/cli/output/go-template/lexer.ts';
import { parseTemplate } from '../../src/cli/output/go-template/parser.ts';

interface Cases {
  readonly data: Readonly<Record<string, Value>>;
  readonly cases: readonly { template: string; data: string; output?: string; error?: true }[];
}

const { data, cases }: Cases = JSON.parse(readFileSync(new URL('go-template-cases.json', import.meta.url), 'utf8'));

const run = (template: string, value: Value = null) => runTemplate(parseTemplate(template), value);

describe('the same as Go', () => {
  test.each(cases)('$template', ({ template, data: name, output, error }) => {
    if (error) expect(() => run(template, data[name])).toThrow(TemplateError);
    else expect(run(template, data[name])).toBe(output);
  });
});

test.each([
  ['a\n{{ .x | nope }}', 'function "nope" not defined', 2, 9],
  ['{{if .x}}\nno end', '{{end}} is missing', 2, 7],
  ['{{ $x }}', 'undefined variable "$x"', 1, 4],
  ['text {{ .a', 'an action has no end: `}}` is missing', 1, 6],
])('the place of a mistake in %j', (template, message, line, column) => {
  expect(() => run(template)).toThrow(expect.objectContaining({ message, line, column }));
});

test('fields are found by their JSON name and by the name a Go struct would have', () => {
  const value = { packages: { added: [{ name: 'curl' }] } };
  expect(run('{{range .Packages.Added}}{{.Name}}{{end}}{{range .packages.added}}{{.name}}{{end}}', value)).toBe(
    'curlcurl',
  );
  expect(run('{{.constructor}}{{.__proto__}}{{.toString}}', value)).toBe('<no value>'.repeat(3));
});

test('what never ends is stopped', () => {
  expect(() => run('{{define "r"}}{{template "r" .}}{{end}}{{template "r"}}')).toThrow(TemplateError);
  expect(() => run(`${'{{if 1}}'.repeat(5000)}${'{{end}}'.repeat(5000)}`)).toThrow(TemplateError);
  expect(() => run(`{{${'('.repeat(5000)}1${')'.repeat(5000)}}}`)).toThrow(TemplateError);
});
