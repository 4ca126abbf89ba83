// Which text names an image, and which globs cover it: an image that slips past a glob is not checked at all.

import { describe, expect, test } from 'vitest';
import { coveringGlob, isGlob, normalForm, parseReference, widened } from '../../src/enforce/policy/globs.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

test.each([
  ['ubuntu', 'index.docker.io', 'library/ubuntu', undefined, undefined],
  ['ubuntu:24.04', 'index.docker.io', 'library/ubuntu', '24.04', undefined],
  ['me/app', 'index.docker.io', 'me/app', undefined, undefined],
  ['docker.io/ubuntu', 'index.docker.io', 'library/ubuntu', undefined, undefined],
  ['registry-1.docker.io/me/app', 'index.docker.io', 'me/app', undefined, undefined],
  ['index.docker.io/ubuntu', 'index.docker.io', 'library/ubuntu', undefined, undefined],
  ['cgr.dev/example/app:latest', 'cgr.dev', 'example/app', 'latest', undefined],
  ['cgr.dev/app', 'cgr.dev', 'app', undefined, undefined],
  [`cgr.dev/a/b:t@${digest}`, 'cgr.dev', 'a/b', 't', digest],
  ['localhost/app', 'localhost', 'app', undefined, undefined],
  ['localhost:5000/a/b', 'localhost:5000', 'a/b', undefined, undefined],
  ['registry:5000/app', 'registry:5000', 'app', undefined, undefined],
  ['127.0.0.1:5000/app', '127.0.0.1:5000', 'app', undefined, undefined],
  ['[::1]:5000/app', '[::1]:5000', 'app', undefined, undefined],
  ['[fd00::1]/app', '[fd00::1]', 'app', undefined, undefined],
  ['registry/app', 'index.docker.io', 'registry/app', undefined, undefined],
  ['cgr.dev/a.b/c_d/e__f/g--h', 'cgr.dev', 'a.b/c_d/e__f/g--h', undefined, undefined],
  ['cgr.dev/app:_T.t-9', 'cgr.dev', 'app', '_T.t-9', undefined],
  [`cgr.dev/app:${'t'.repeat(128)}`, 'cgr.dev', 'app', 't'.repeat(128), undefined],
  ['cgr.dev/a10/b22', 'cgr.dev', 'a10/b22', undefined, undefined],
])('%s names %s, %s', (text, registry, repository, tag, by) => {
  expect(parseReference(text)).toEqual({ registry, repository, tag, digest: by });
});

test.each([
  ...['', ':tag', '@', `@${digest}`, '/', '/app', 'cgr.dev/', 'cgr.dev/:tag', 'a b', ' ubuntu', 'ubuntu ', 'ubuntu\n'],
  ...[
    'Ubuntu',
    'cgr.dev/App',
    'cgr.dev/a//b',
    'cgr.dev/a/',
    'cgr.dev/-a',
    'cgr.dev/a-',
    'cgr.dev/a..b',
    'cgr.dev/a___b',
  ],
  ...['cgr.dev/a:', 'cgr.dev/a:.t', 'cgr.dev/a:-t', 'cgr.dev/a:t:u', 'cgr.dev/a:t/b', `cgr.dev/a:${'t'.repeat(129)}`],
  ...[
    'app@sha256:abc',
    `app@${digest}0`,
    `app@${digest.toUpperCase()}`,
    `app@sha512:${'a'.repeat(64)}`,
    `a@b@${digest}`,
  ],
  ...['cgr.dev:x/app', 'cgr.dev:/app', '[::1/app', '[g::1]/app', 'reg istry:5000/app', 'cgr.dev_/a', 'é.dev/app'],
])('%j names no image', (text) => {
  expect(parseReference(text)).toBeUndefined();
});

test('a reference has at most 512 characters', () => {
  expect(parseReference(`cgr.dev/${'a'.repeat(504)}`)?.repository).toHaveLength(504);
  expect(parseReference(`cgr.dev/${'a'.repeat(505)}`)).toBeUndefined();
});

const covered = (glob: string, text: string): boolean => {
  const image = parseReference(text);
  if (image === undefined) throw new Error(`${text} names no image`);
  return coveringGlob([glob], image, text) === glob;
};

describe('a glob', () => {
  test.each<[glob: string, covers: readonly string[], not: readonly string[]]>([
    ['cgr.dev/a/*', [`cgr.dev/a/b@${digest}`, 'cgr.dev/a/b'], ['cgr.dev/a/b/c', 'cgr.dev/ab/c', 'cgr.dev/x/a/b']],
    ['cgr.dev/**', ['cgr.dev/a', `cgr.dev/a/b/c@${digest}`], ['cgr.dev.evil.example/a', 'xcgr.dev/a', 'cgrxdev.io/a']],
    ['**/app', ['cgr.dev/app', 'cgr.dev/a/b/app'], ['cgr.dev/app2', 'cgr.dev/xapp', `cgr.dev/app@${digest}`]],
    ['**', ['cgr.dev/a/b', 'ubuntu'], []],
    ['*', ['ubuntu', `ubuntu@${digest}`], ['me/app', 'cgr.dev/a', 'cgr.dev/library/a']],
    ['*/*', ['ubuntu', 'me/app'], ['cgr.dev/a/b', 'me/app/c']],
    ['me/*', ['me/app'], ['you/app', 'cgr.dev/me/app']],
    ['index.docker.io/me/app', ['me/app', 'docker.io/me/app'], ['me/app2', 'me/apq']],
    ['cgr.dev/a.b', ['cgr.dev/a.b'], ['cgr.dev/axb']],
    ['cgr.dev/a-b*', ['cgr.dev/a-b', 'cgr.dev/a-bc'], ['cgr.dev/aab']],
    ['cgr.dev/*/c', ['cgr.dev/a/c'], ['cgr.dev/c', 'cgr.dev/a/b/c']],
    ['cgr.dev/a*', ['cgr.dev/a', 'cgr.dev/abc'], ['cgr.dev/b', 'cgr.dev/a/b']],
    [`cgr.dev/app@${digest}`, [`cgr.dev/app@${digest}`, `cgr.dev/app:t@${digest}`], ['cgr.dev/app']],
    ['localhost:5000/**', ['localhost:5000/a'], ['localhost:5001/a']],
  ])('%s', (glob, covers, not) => {
    expect(covers.filter((text) => !covered(glob, text))).toEqual([]);
    expect(not.filter((text) => covered(glob, text))).toEqual([]);
    // Asked a second time, it is the one that is kept.
    expect(covers.filter((text) => !covered(glob, text))).toEqual([]);
  });

  test('that covers first is the one', () => {
    const image = { registry: 'cgr.dev', repository: 'a/b', tag: 't', digest };
    expect(normalForm(image)).toBe(`cgr.dev/a/b@${digest}`);
    expect(coveringGlob(['ghcr.io/**', 'cgr.dev/**', '**'], image, 'cgr.dev/a/b:t')).toBe('cgr.dev/**');
    expect(coveringGlob(['ghcr.io/**'], image, 'cgr.dev/a/b:t')).toBeUndefined();
    expect(coveringGlob([], image, 'cgr.dev/a/b:t')).toBeUndefined();
  });

  test.each([
    ['cgr.dev/a-b_c:1/*/**@x', true],
    ['', false],
    ['a***', false],
    ['a b', false],
    ['a?', false],
    ['a[b]', false],
    ['^a', false],
    ['a\n', false],
  ])('is %j: %s', (text, is) => {
    expect(isGlob(text)).toBe(is);
  });

  test.each([
    ['cgr.dev/a/*', 'cgr.dev/a/**'],
    ['*', '**'],
    ['cgr.dev/**', undefined],
    ['**', undefined],
    ['cgr.dev/*/a', undefined],
    ['cgr.dev/a', undefined],
  ])('of old, %s, meant %s', (glob, meant) => {
    expect(widened(glob)).toBe(meant);
  });
});
