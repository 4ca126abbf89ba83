import { describe, expect, test } from 'vitest';
import { npmRegistryOf } from '../../src/npm/npm-registry.ts';
import { withRegistry } from '../../src/npm/npmrc.ts';

const ours = { url: 'https://libraries.cgr.dev/javascript/', hostScope: false };
const bearer = { kind: 'bearer', token: 'a.b.c' } as const;
const registryLine = 'registry=https://libraries.cgr.dev/javascript/';
const secretLine = '//libraries.cgr.dev/javascript/:_authToken=a.b.c';

describe('.npmrc', () => {
  test('an empty one gets the registry and the credential', () => {
    expect(withRegistry('', ours, bearer)).toBe(`${registryLine}\n${secretLine}\n`);
  });

  test('other lines, comments and their order stay; ours are replaced where they stood', () => {
    const before = [
      '# team settings',
      'registry = https://registry.npmjs.org/',
      '@acme:registry=https://npm.acme.test/',
      '//npm.acme.test/:_authToken=npm_abc',
      '//libraries.cgr.dev/javascript/:_auth=b2xk',
      '',
      'save-exact=true',
    ];
    const after = [...before];
    after[1] = registryLine;
    after[4] = secretLine;
    expect(withRegistry(before.join('\n'), ours, bearer)).toBe(`${after.join('\n')}\n`);
  });

  test('a second run changes nothing, and Windows line ends stay', () => {
    const once = withRegistry('save-exact=true\r\n', ours, bearer);
    expect(once).toBe(`save-exact=true\r\n${registryLine}\r\n${secretLine}\r\n`);
    expect(withRegistry(once, ours, bearer)).toBe(once);
  });

  test('a file with both kinds of line ends keeps each, also of a last line without one', () => {
    const before = 'a=1\r\nregistry=x\nb=2\n\r\n# end';
    const after = `a=1\r\n${registryLine}\nb=2\n\r\n# end\r\n${secretLine}\r\n`;
    expect(withRegistry(before, ours, bearer)).toBe(after);
    expect(withRegistry(after, ours, bearer)).toBe(after);
    expect(withRegistry('a=1\rregistry=x\rb=2\r', ours, bearer)).toBe(`a=1\r${registryLine}\rb=2\r${secretLine}\r`);
  });

  test('a credential of the other kind or of the other scope does not stay beside the new one', () => {
    const basic = { kind: 'basic', user: 'org/id', password: 'x.y.z' } as const;
    const once = withRegistry('', { ...ours, hostScope: true }, bearer);
    expect(once).toContain('//libraries.cgr.dev/:_authToken=a.b.c');
    const encoded = Buffer.from('org/id:x.y.z').toString('base64');
    expect(withRegistry(once, ours, basic)).toBe(`${registryLine}\n//libraries.cgr.dev/javascript/:_auth=${encoded}\n`);
  });

  test('commented lines are no settings, and duplicates become one', () => {
    const before = `;registry=https://old.test/\nregistry=a\nregistry=b\n`;
    expect(withRegistry(before, ours, bearer)).toBe(`;registry=https://old.test/\n${registryLine}\n${secretLine}\n`);
  });

  test.each(['[section]', '  [ section ]  ', '[]'])('what follows %s belongs to it and stays', (header) => {
    const section = [header, 'registry=https://theirs.test/', '//libraries.cgr.dev/javascript/:_authToken=theirs', ''];
    const end = section.join('\n');
    expect(withRegistry(end, ours, bearer)).toBe(`${registryLine}\n${secretLine}\n${end}`);
    const before = `registry=x\n//libraries.cgr.dev/javascript/:_auth=old\n${end}`;
    expect(withRegistry(before, ours, bearer)).toBe(`${registryLine}\n${secretLine}\n${end}`);
    expect(withRegistry(`registry=x\n${end}[second]\nregistry=y\n`, ours, bearer)).toBe(
      `${registryLine}\n${secretLine}\n${end}[second]\nregistry=y\n`,
    );
  });

  test.each(['_authToken', '_auth', 'username', '_password', 'email', 'always-auth', 'tokenHelper'])(
    'no %s of the same registry stays beside ours, and that of another does',
    (name) => {
      const mine = ['//libraries.cgr.dev/javascript/', '//libraries.cgr.dev/'].map((scope) => `${scope}:${name}=old\n`);
      const theirs = ['//npm.test/', '//libraries.cgr.dev/python/', '//libraries.cgr.dev:444/javascript/']
        .map((scope) => `${scope}:${name}=kept\n`)
        .join('');
      const after = withRegistry(`${mine.join('')}${theirs}`, ours, bearer);
      expect(after).not.toContain('old');
      expect(after).toBe(`${secretLine}\n${theirs}${registryLine}\n`);
    },
  );

  test('tokens of another platform never go to the public host', () => {
    expect(npmRegistryOf('https://cgr.dev')).toEqual({ url: ours.url, audience: 'libraries.cgr.dev' });
    expect(npmRegistryOf('http://127.0.0.1:5000')).toEqual({
      url: 'http://127.0.0.1:5000/javascript/',
      audience: '127.0.0.1:5000',
    });
    expect(npmRegistryOf('https://notcgr.dev').url).toBe('https://notcgr.dev/javascript/');
  });
});
