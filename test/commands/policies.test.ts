import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demoFolders } from '../support/ids.ts';
import { temporaryFolder } from '../support/platform.ts';
import { signedIn } from '../support/signed-in.ts';

/** Step 4 of seed 004, as it stands there: with typographic quotes, stars of before May 2022, and no identities. */
const sample = `apiVersion: policy.sigstore.dev/v1alpha1
kind: ClusterImagePolicy
metadata:
  name: sample-policy
spec:
  images:
  - glob: "gcr.io/chainguard-demo/*"
  - glob: “ttl.sh/*”
  - glob: "index.docker.io/*"
  - glob: "index.docker.io/*/*"
  authorities:
  - keyless:
      url: https://fulcio.sigstore.dev
`;

const document = (name: string, more = '') => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: { name: ${name} }
spec:
  images: [{ glob: "cgr.dev/chainguard/*" }]
  authorities: [{ static: { action: pass } }]
${more}`;

function files(entries: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(entries)) writeFileSync(join(folder, name), text);
  return folder;
}

test('step 4 of the walkthrough runs as typed, and says how it was read', async () => {
  const { run } = await signedIn();
  const path = join(files({ 'sample-policy.yaml': sample }), 'sample-policy.yaml');
  const made = await run(['policies', 'create', 'sample-policy', '--group', demoFolders.sandbox, '-f', path]);
  expect(made.code, made.err).toBe(0);
  expect(made.out).toMatch(new RegExp(`^Created policy ${demoFolders.sandbox}/[0-9a-f]{16}\n$`));
  expect(made.err).toContain('line 8: spec.images[1].glob is in typographic quotes');
  expect(made.err).toMatch(/lines 7, 8, 9, 10: a last \* .*"ttl\.sh\/\*\*", .* count as well/);
  expect(made.err).toContain('names no identities');
  const list = await run(['policy', 'ls', '-o', 'json']);
  const [item] = JSON.parse(list.out).items;
  expect(item).toMatchObject({ name: 'sample-policy', document: sample });
  expect((await run(['policies', 'view', 'sample-policy'])).out).toBe(sample);
  expect((await run(['policies', 'list', '--image=ttl.sh/me/enforce-tutorial/busybox', '-oid'])).out).toBe(
    `${item.id}\n`,
  );
  expect((await run(['policies', 'list', '--image=quay.io/me/app', '-oid'])).out).toBe('');
  // Guides of 2022 agree to it, although it asks nothing.
  for (const yes of ['--yes', '-y']) expect((await run(['policies', 'list', yes, '-oid'])).code).toBe(0);
});

test('applying again asks, makes a version and leaves alone what is as it should be', async () => {
  const { run } = await signedIn();
  const folder = files({ 'a.yaml': document('a'), 'b.yaml': document('b') });
  const apply = ['policies', 'apply', '--group=sandbox', '-R', '-f', folder];
  expect((await run(apply)).out).toMatch(/^Created policy .*\nCreated policy .*\n$/);
  writeFileSync(join(folder, 'a.yaml'), document('a', '  mode: warn\n'));
  const refused = await run(apply, { stdin: 'n\n' });
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('This makes a new version of "a" count.');
  expect((await run([...apply, '--yes'])).out).toMatch(/^Updated policy .*\nPolicy .* is as it was\n$/);
  const versions = JSON.parse((await run(['policies', 'versions', 'list', 'a', '-ojson'])).out).items;
  expect(versions.map(({ label }: { label: string }) => label)).toEqual(['v2', 'v1']);
  const diff = await run(['policies', 'versions', 'diff', versions[1].id, versions[0].id]);
  expect(diff.out).toContain('\n+  mode: warn\n');
  expect((await run(['policies', 'versions', 'activate', 'v1', '--policy=a', '-ojson'])).code).toBe(0);
  expect((await run(['policies', 'versions', 'view', 'v2', '-p', 'a'])).out).toContain('mode: warn');
  expect((await run(['policies', 'view', 'a'])).out).not.toContain('mode: warn');
  expect((await run(['policies', 'set', 'a', '-d', 'why', '-owide'])).out).toContain('why');
});

test('one bad document of many is told with file and line, and nothing is applied', async () => {
  const { run, calls } = await signedIn();
  const folder = files({ 'a.yaml': document('a'), 'b.yaml': document('b').replace('images', 'imagez') });
  calls();
  const bad = await run(['policies', 'apply', '--group', demoFolders.sandbox, '-R', '-f', folder]);
  expect(bad.code).toBe(2);
  expect(bad.err).toContain('b.yaml: line 5: "spec.imagez" is not a field');
  expect(calls()).toEqual([]);
  const twice = files({ 'x.yaml': document('same'), 'y.yaml': document('same') });
  const doubled = await run(['policies', 'apply', '--group', demoFolders.sandbox, '-R', '-f', twice]);
  expect(doubled.err).toMatch(/both hold a policy "same"; nothing was applied/);
  const other = await run(['policies', 'create', 'nginx', '--group=sandbox', '-f', join(folder, 'a.yaml')]);
  expect(other.err).toContain('`NAME` is "nginx", and the document holds "a"');
  const gone = await run(['policies', 'apply', '--group=sandbox', '-f', join(folder, 'no.yaml')]);
  expect(gone.err).toContain('does not exist');
});

test('what decides by CUE or a KMS is told when that cannot work here', async () => {
  const { run } = await signedIn();
  const kms = document('kms').replace('static: { action: pass }', 'key: { kms: "gcpkms://projects/p" }');
  const rule = document('cue', '  policy: { type: cue, data: "x: 1" }\n');
  const folder = files({ 'kms.yaml': kms, 'cue.yaml': rule });
  const { err, code } = await run(['policies', 'apply', '--group=sandbox', '-R', '-f', folder], { env: { PATH: '' } });
  expect(code).toBe(0);
  expect(err).toContain('authority authority-0 has its key in a KMS, which is not supported');
  expect(err).toContain('its CUE needs the program cue, which is not on the PATH of this machine');
});

test('policies are deleted by name or with those of a whole folder', async () => {
  const { run } = await signedIn();
  const folder = files({ 'a.yaml': document('a'), 'b.yaml': document('b'), 'c.yaml': document('c') });
  const made = await run(['policies', 'apply', '--group=sandbox', '-R', '-f', folder, '-oid']);
  const [a = '', b = '', c = ''] = made.out.trim().split('\n');
  expect((await run(['policies', 'rm', 'a'], { stdin: '' })).code).toBe(2);
  expect((await run(['policies', 'rm', 'a', '-y'])).out).toBe(`${a}\n`);
  expect((await run(['policies', 'delete', '--group=sandbox', '--recursive', '-y'])).out).toBe(`${b}\n${c}\n`);
  expect((await run(['policies', 'list', '-oid'])).out).toBe('');
  expect((await run(['policies', 'delete', 'a', '-y'])).err).toContain('No policy found for "a"');
});
