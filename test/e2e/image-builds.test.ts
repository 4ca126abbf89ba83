// A customized image from the command line to the client that pulls it.

import { expect, test } from 'vitest';
import { skopeo } from '../support/clients.ts';
import { createWorld } from '../support/program.ts';

const world = createWorld();
const nginx = ['--parent=example.com', '--repo=nginx'];

test('a configuration is applied, built while the log is watched, and is in the image that skopeo reads', async () => {
  const platform = await world.startPlatform();
  const person = world.person('builder', platform);
  const token = person.write('me.jwt', await person.ok('local', 'token', '--data-dir', platform.dataDir), 0o600);
  await person.ok('auth', 'login', '--identity-token', token);
  await person.ok('auth', 'configure-docker');
  const file = person.write('config.yaml', 'contents:\n  packages: [curl]\nenvironment:\n  HELLO: world\n');

  await person.ok('images', 'repos', 'build', 'apply', ...nginx, `--file=${file}`, '--yes');
  const log = await person.chainctl(['images', 'repos', 'build', 'logs', ...nginx]);
  expect(log.code, log.err).toBe(0);
  expect(log.out).toContain('installing curl');

  const image = `docker://${platform.registryHost}/example.com/nginx:latest`;
  const inspect = ['inspect', '--config', '--tls-verify=false', image];
  // The watched build is one of several; the others follow.
  await expect
    .poll(async () => (await skopeo(person, inspect)).out, { timeout: 30_000, interval: 300 })
    .toContain('HELLO=world');
  const pulled = await skopeo(person, [
    'copy',
    '--quiet',
    '--src-tls-verify=false',
    image,
    `dir:${world.path('image')}`,
  ]);
  expect(pulled.code, pulled.err).toBe(0);
});
