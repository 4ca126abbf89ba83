// Container clients we did not write, as one person's own: skopeo and podman of Debian. A missing one fails the test.

import { join } from 'node:path';
import { type Person, type Ran, type RunOptions, runProcess } from './program.ts';

/** skopeo, which trusts every signature policy's absence and keeps its temporary files at home. */
export function skopeo(person: Person, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const policy = person.write('policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}');
  return runProcess('skopeo', ['--policy', policy, '--tmpdir', person.home, ...args], person.env, {
    cwd: person.home,
    ...options,
  });
}

/** Copies an image into a folder of the person's. */
export function skopeoPull(person: Person, image: string, options: RunOptions = {}): Promise<Ran> {
  const folder = join(person.home, `image-${Math.random().toString(36).slice(2)}`);
  return skopeo(person, ['copy', '--quiet', '--src-tls-verify=false', `docker://${image}`, `dir:${folder}`], options);
}

/** podman with storage of the person's own, so that nothing of the machine's is read or filled. */
export function podman(person: Person, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const storage = ['--root', join(person.home, 'storage'), '--runroot', join(person.home, 'run', 'storage')];
  const quiet = ['--storage-driver', 'vfs', '--events-backend', 'none'];
  return runProcess('podman', [...quiet, ...storage, ...args], person.env, { cwd: person.home, ...options });
}

export function podmanPull(person: Person, image: string, options: RunOptions = {}): Promise<Ran> {
  const policy = person.write('policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}');
  return podman(person, ['pull', '--quiet', '--tls-verify=false', `--signature-policy=${policy}`, image], options);
}
