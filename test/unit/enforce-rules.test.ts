// CUE and Rego in policies, by the real `cue` and `opa` where they are installed, and by stand-ins for what those must not see
// or do (enforce.md 3).

import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createRulePrograms, missingProgram } from '../../src/enforce/rules/programs.ts';
import fixtures from '../fixtures/cosign/v2.json' with { type: 'json' };
import { type CosignFixture, decide, repositoryOfFixture } from '../support/enforce.ts';

const path = process.env['PATH'];
const document = JSON.stringify({ predicateType: 'x', predicate: { n: 5, name: 'a' } });
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(missingProgram('cue', path) !== undefined)('CUE by the real cue', () => {
  const run = (text: string) => createRulePrograms(path).run('cue', text, document);

  test.each([
    ['predicate: n: <10', undefined],
    ['predicate: n: >10', 'failed to evaluate the policy with error: predicate.n: invalid value 5 (out of bound >10)'],
    ['predicate: {', "failed to evaluate the policy with error: expected '}', found 'EOF'"],
    ['import "strings"\npredicate: name: strings.ToLower("A")', undefined],
    // What the document leaves open is no contradiction.
    ['other: string', undefined],
    ['import "tool/exec"\nx: exec.Run', 'it imports tool/exec'],
    ['// a comment\npackage p\n\nimport (\n  "example.com/x"\n)\ny: x.z', 'it imports example.com/x'],
    ['@extern(embed)\npackage p\na: _ @embed(file="/etc/hostname")', 'it imports files by an attribute'],
  ])('%j', async (text, expected) => {
    const found = await run(text);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(expected);
  });

  test('what takes too long is ended', async () => {
    const text = 'import "list"\nx: [for a in list.Range(0,3000,1) for b in list.Range(0,3000,1) {a+b}]';
    expect(await createRulePrograms(path, { ms: 700 }).run('cue', text, document)).toBe(
      'the rule was not decided within 0.7 s',
    );
  });

  test('what needs too much memory does not hold', async () => {
    const text = `import "strings"\nx: strings.Repeat("${'x'.repeat(1000)}", 20000000)`;
    expect(await run(text)).toMatch(/more memory|not decided within/);
  });
});

describe.skipIf(missingProgram('rego', path) !== undefined)('Rego by the real opa', () => {
  const run = (rule: string) => createRulePrograms(path).run('rego', `package sigstore\n\n${rule}`, document);

  test.each([
    ['isCompliant { input.predicate.n < 10 }', undefined],
    ['isCompliant { input.predicate.n > 10 }', 'policy is not compliant for query'],
    ['isCompliant = false', 'policy is not compliant for query'],
    ['isCompliant[r] { r = {"result": true} }', undefined],
    ['isCompliant[r] { r = {"result": false, "error": "too old"} }', 'with errors: too old'],
    ['isCompliant[r] { r = {"result": true, "warning": "soon"} }', 'warning: soon'],
    ['isCompliant {', 'unexpected eof token'],
    [
      'isCompliant { http.send({"method": "GET", "url": "http://127.0.0.1:1"}).status_code == 200 }',
      'undefined function http.send',
    ],
    ['isCompliant { net.lookup_ip_addr("localhost") }', 'undefined function net.lookup_ip_addr'],
    ['isCompliant { opa.runtime().env.PATH }', 'undefined function opa.runtime'],
  ])('%j', async (rule, expected) => {
    const found = await run(rule);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(expected);
  });

  test('a schema with a reference elsewhere asks nobody', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const rule = `isCompliant { json.match_schema(input, {"$ref": "http://127.0.0.1:${port}/s"})[0] }`;
    try {
      expect(await run(rule)).toContain('undefined function json.match_schema');
      expect(asked).toBe(0);
    } finally {
      server.close().closeAllConnections();
    }
  });

  test('what takes too long is ended', async () => {
    const rule = 'isCompliant { count([1 | numbers.range(1, 3000)[a]; numbers.range(1, 3000)[b]; a + b == 0]) == 1 }';
    const found = await createRulePrograms(path, { ms: 1500 }).run('rego', `package sigstore\n${rule}`, document);
    expect(found).toBe('the rule was not decided within 1.5 s');
  });
});

describe.skipIf(process.platform === 'win32')('with a stand-in for cue', () => {
  const standIn = (script: string): string => {
    const folder = mkdtempSync(join(tmpdir(), 'stand-in-'));
    folders.push(folder);
    writeFileSync(join(folder, 'cue'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'cue'), 0o700);
    return folder;
  };

  test('it sees no variable of ours, stands in a folder of its own, and leaves none', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('chainctl-rule-'));
    const told = await createRulePrograms(standIn('/usr/bin/env | /usr/bin/cut -d= -f1 >&2; /bin/ls >&2; exit 1')).run(
      'cue',
      'a: 1',
      document,
    );
    const words = (told ?? '').replace(/^.*error: /, '').split('; ');
    expect(words.filter((one) => !['PWD', '_', 'SHLVL', 'OLDPWD'].includes(one)).sort()).toEqual(
      ['CUE_CACHE_DIR', 'CUE_REGISTRY', 'GOMAXPROCS', 'GOMEMLIMIT', 'HOME', 'policy.cue'].sort(),
    );
    const after = readdirSync(tmpdir()).filter((name) => name.startsWith('chainctl-rule-'));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
  });

  test('at most four run at a time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'counted-'));
    folders.push(folder);
    const script = `t=$(/usr/bin/mktemp ${folder}/run.XXXXXX); /bin/ls ${folder} | /usr/bin/grep -c run. >> ${folder}/counts; /bin/sleep 0.1; /bin/rm $t`;
    const programs = createRulePrograms(standIn(script));
    const all = await Promise.all(Array.from({ length: 12 }, () => programs.run('cue', 'a: 1', document)));
    expect(all.every((one) => one === undefined)).toBe(true);
    const counts = readFileSync(join(folder, 'counts'), 'utf8').trim().split('\n').map(Number);
    expect(counts).toHaveLength(12);
    expect(Math.max(...counts)).toBeLessThanOrEqual(4);
  });

  test('a folder on the PATH that depends on where one stands is left out', () => {
    expect(missingProgram('cue', `.:${'relative'}`)).toBe('cue');
  });
});

test('a program that is missing is named, with where to have it from', async () => {
  expect(await createRulePrograms('').run('rego', 'package sigstore', document)).toMatch(
    /^there is no program opa on the PATH of this machine; install it from https:/,
  );
});

describe('what a rule decides over', () => {
  const fixture = fixtures.both as unknown as CosignFixture;
  const key = { data: fixtures.publicKey };
  const attested = { name: 'sbom', predicateType: 'spdxjson' };
  const ask = async (
    spec: object,
    answer: (text: string, document: unknown) => string | undefined,
    more: object = {},
  ) => {
    const asked: unknown[] = [];
    const verdict = await decide(
      repositoryOfFixture(fixture),
      fixture.digest,
      spec,
      {
        runRule: async (_, text, given) => {
          asked.push(JSON.parse(given));
          return answer(text, asked.at(-1));
        },
        ...more,
      },
      { spec: { hostNetwork: true }, metadata: { name: 'p' }, typemeta: { kind: 'Pod' } },
    );
    return { ...verdict, asked };
  };

  test('an attestation is its whole statement, and a reason against it is the authority’s', async () => {
    const policy = { type: 'cue', data: 'predicate: name: "other"' };
    const spec = { authorities: [{ key, attestations: [{ ...attested, policy }] }] };
    const { asked, text, result } = await ask(spec, () => 'no');
    expect(asked).toMatchObject([
      { predicateType: 'https://spdx.dev/Document', predicate: { name: 'busybox' }, subject: [{}] },
    ]);
    expect(result).toBe('FAIL');
    expect(text).toContain('failed evaluating cue policy for sbom: no');
    expect((await ask(spec, () => undefined)).result).toBe('PASS');
  });

  test('a policy’s own rule sees what its authorities found, and of the object what it asks for', async () => {
    const spec = {
      authorities: [
        { name: 'signed', key },
        { name: 'attested', key, attestations: [attested] },
        { name: 'open', static: { action: 'pass' } },
        { name: 'shut', static: { action: 'fail' } },
      ],
      policy: { type: 'rego', data: 'package sigstore', includeSpec: true, includeTypeMeta: true },
    };
    const { asked, result, text } = await ask(spec, () => 'warning: soon');
    expect(asked).toEqual([
      {
        authorityMatches: {
          signed: { signatures: [{ id: expect.stringMatching(/^[0-9a-f]{64}$/) }] },
          attested: {
            attestations: {
              sbom: [
                {
                  id: expect.stringMatching(/^[0-9a-f]{64}$/),
                  predicateType: 'spdxjson',
                  digest: expect.stringMatching(/^sha256:/),
                },
              ],
            },
          },
          open: { static: true },
        },
        spec: { hostNetwork: true },
        typemeta: { kind: 'Pod' },
      },
    ]);
    expect([result, text]).toEqual([
      'FAIL',
      'failed evaluating rego policy for type ClusterImagePolicy: warning: soon',
    ]);
  });

  test('a rule may lie in a ConfigMap or behind a URL whose hash is right', async () => {
    const of = (policy: object) => ({
      authorities: [{ static: { action: 'pass' } }],
      policy: { type: 'cue', ...policy },
    });
    const text = 'a: 1';
    const sha256sum = '8e8dcff9d8f8bb22ab0b4a4a2d8c4d8d4e1a1c8b9c9fef5ba5f4e8c7a2b3c4d5';
    const echo = (given: string) => (given === text ? undefined : 'another text');
    const configMap = async (name: string) => (name === 'rules' ? { key: text } : undefined);
    expect((await ask(of({ configMapRef: { name: 'rules', key: 'key' } }), echo, { configMap })).result).toBe('PASS');
    expect((await ask(of({ configMapRef: { name: 'none', key: 'key' } }), echo, { configMap })).text).toContain(
      'there is no key key in ConfigMap cosign-system/none',
    );
    const url = 'https://rules.example/r.cue';
    const download = async () => Buffer.from(text);
    const right = createHash('sha256').update(text).digest('hex');
    expect((await ask(of({ remote: { url, sha256sum: right } }), echo, { download })).result).toBe('PASS');
    expect((await ask(of({ remote: { url, sha256sum } }), echo, { download })).text).toContain(
      'and not the one that the policy names',
    );
    expect((await ask(of({ remote: { url, sha256sum } }), echo)).text).toContain('cannot be had: nothing is there');
  });
});
