// `iam identities update` in the words of `create github`: what it leaves is what a new identity with those words would have.

import { expect, test } from 'vitest';
import { signedIn } from '../support/signed-in.ts';

const identities = ['iam', 'identities'];
const create = [...identities, 'create', 'github'];

test('repository, reference and form are changed alone and together, and the rest stays', async () => {
  const { run } = await signedIn();
  let made = 0;
  const matchOf = (out: string) => JSON.parse(out).claimMatch;
  /** What a new identity with these flags expects. */
  const fresh = async (...flags: string[]) => {
    made += 1;
    const words = [...create, `fresh-${made}`, '--parent=example.com', ...flags];
    const created = await run([...words, '--yes', '--output=json']);
    expect(created.code, created.err).toBe(0);
    return matchOf(created.out);
  };
  const main = '--github-ref=refs/heads/main';
  expect((await run([...create, 'app', '--github-repo=acme/app', main, '--parent=example.com', '--yes'])).code).toBe(0);
  const steps = [
    [['--github-ref=refs/heads/v1.2'], ['--github-repo=acme/app', '--github-ref=refs/heads/v1.2']],
    [['--github-repo=acme/o.ther'], ['--github-repo=acme/o.ther', '--github-ref=refs/heads/v1.2']],
    [['--github-ref='], ['--github-repo=acme/o.ther']],
    [['--subject-form=ids'], ['--github-repo=acme/o.ther', '--subject-form=ids']],
    [[main], ['--github-repo=acme/o.ther', '--subject-form=ids', main]],
    [['--github-repo=acme(@[0-9]+)?/.*'], ['--github-repo=acme(@[0-9]+)?/.*', main]],
    [['--github-ref=refs/heads/(a|b)'], ['--github-repo=acme(@[0-9]+)?/.*', '--github-ref=refs/heads/(a|b)']],
    [
      ['--github-repo=acme@1/app@2', '--subject-form=names'],
      ['--github-repo=acme@1/app@2', '--subject-form=names', '--github-ref=refs/heads/(a|b)'],
    ],
    [
      ['--github-audience=https://ci.example', '--github-ref='],
      ['--github-repo=acme@1/app@2', '--subject-form=names', '--github-audience=https://ci.example'],
    ],
    [
      ['--github-ref=refs/heads/a'],
      [
        '--github-repo=acme@1/app@2',
        '--subject-form=names',
        '--github-ref=refs/heads/a',
        '--github-audience=https://ci.example',
      ],
    ],
    [['--github-audience='], ['--github-repo=acme@1/app@2', '--subject-form=names', '--github-ref=refs/heads/a']],
  ] as const;
  for (const [flags, expected] of steps) {
    const changed = await run([...identities, 'update', 'app', ...flags, '--yes', '--output=json']);
    expect(changed.code, changed.err).toBe(0);
    expect(matchOf(changed.out), flags.join(' ')).toEqual(await fresh(...expected));
  }
});

test('what was not made for GitHub, and what does not fit, is refused in the words of the flags', async () => {
  const { run } = await signedIn();
  const other = ['--identity-issuer=https://issuer.example.com', '--subject=1', '--parent=example.com', '--yes'];
  expect((await run([...identities, 'create', 'other', ...other])).code).toBe(0);
  const update = (...flags: string[]) => run([...identities, 'update', 'other', ...flags, '--yes']);
  const refused = await update('--github-repo=acme/app');
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('`--github-repo` does not apply to "other", which was not made for GitHub Actions');
  expect((await update('--github-audience=a')).err).toContain('`--github-audience` does not apply to "other"');
  expect((await update('--github-audience=a', '--audience=b')).err).toContain('cannot be used together');
  expect((await update('--github-repo=acme')).err).toContain('`--github-repo` must be OWNER/NAME');
  expect((await update('--github-ref=main')).err).toContain('"refs/heads/main" is the branch');
  expect((await update('--github-ref=refs/heads/x', '--subject=y')).err).toContain('cannot be used together');
});

test('a person is asked for the repository, and which kind of AWS identity', async () => {
  const { run } = await signedIn();
  const first = [...create, 'app', '--github-repo=acme/app', '--github-ref=refs/heads/main', '--parent=example.com'];
  expect((await run([...first, '--yes'])).code).toBe(0);
  const answers = ['github repo', 'acme/new', true];
  const changed = await run([...identities, 'update'], { tty: true, answers });
  expect(changed.code, changed.err).toBe(0);
  expect(changed.asked).toContain('Which repository (owner/name)?');
  expect(changed.err).toContain('acme/new');

  const words = [...identities, 'create', 'aws', 'robot', '--parent=example.com'];
  // Nobody answers the second question: that it is the one of `aws user` is enough.
  const aws = await run(words, { tty: true, answers: ['An AWS user'] });
  expect(aws.asked).toEqual(['Who may assume the identity?', 'Which AWS account (12 digits)?']);
  const script = await run(words);
  expect(script.code).toBe(2);
  expect(script.err).toContain('`--filename` is required, or one of the commands `role` and `user`');
});

test('images history and diff offer repositories, and diff the tags of the one that was picked', async () => {
  const { run, platform } = await signedIn({ seed: 'demo' });
  const registry = platform.urls.registry;
  const env = { CHAINGUARD_PLATFORM_REGISTRY: registry };
  const history = await run(['images', 'history'], { tty: true, env, answers: ['example.com/app', 'latest'] });
  expect(history.asked[0]).toBe('Which image?');
  expect(history.err).toContain('Selected repository example.com/app');
  expect(history.code, history.err).toBe(0);
  const diff = await run(['images', 'diff'], { tty: true, env, answers: ['example.com/app', 'no such tag'] });
  expect(diff.asked).toEqual(['Which image is the one before?', 'Which image is the one after?']);
  expect(diff.err).toMatch(/"no such tag" is not among example\.com\/app:/);
  const script = await run(['images', 'history'], { env });
  expect(script.code).toBe(2);
});
