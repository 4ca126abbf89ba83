// Another user's configuration: with sudo, Docker reads root's.

import { accessSync, constants } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { credentialOrder } from '../docker/client-order.ts';
import { dockerConfigPath } from '../docker/docker-config.ts';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';
import { statIfExists } from '../stats.ts';
import { type Check, ok, skip, versionOf, wrong } from './check.ts';

const socket = '/var/run/docker.sock';

export const sudo: Check = {
  name: 'sudo',
  purposes: ['docker'],
  async look({ host, registry }) {
    if (host.platform === 'win32') return [skip('There is no sudo here')];
    const user = host.env['SUDO_USER'];
    if (user && user !== 'root') {
      const home = homeOf(host, user);
      const mine = dockerConfigPath(host);
      if (home === undefined || home === host.home()) return [ok(`This runs by sudo with the home folder of ${user}`)];
      const theirHost: Host = Object.assign(Object.create(host), { env: {}, home: () => home });
      const theirs = credentialOrder('docker', theirHost, { registry, repository: '' }).places[0];
      const own = credentialOrder('docker', host, { registry, repository: '' }).places[0];
      if (theirs === undefined || own !== undefined) return [ok(`This runs by sudo, with the configuration of root`)];
      return [
        wrong(
          `This runs by sudo, which reads "${mine}", and the configuration for ${registry} is in "${theirs.path}"`,
          `sudo usermod -aG docker ${user} && newgrp docker`,
          { file: mine, key: 'SUDO_USER' },
        ),
      ];
    }
    if (userInfo().uid === 0 || host.env['DOCKER_HOST'] || !needsRoot()) return [ok('Docker needs no sudo')];
    if ((await versionOf(host, 'docker')) === undefined) return [skip('Docker is not on PATH')];
    const message = `Docker may be used by root only, and with sudo it reads root's configuration and not "${dockerConfigPath(host)}"`;
    return [wrong(message, 'sudo usermod -aG docker "$USER" && newgrp docker', { file: socket })];
  },
};

function needsRoot(): boolean {
  if (statIfExists(socket) === undefined) return false;
  try {
    accessSync(socket, constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

/** Returns where a user lives: newer versions of sudo say so, else the password file. */
function homeOf(host: Host, user: string): string | undefined {
  if (host.env['SUDO_HOME']) return host.env['SUDO_HOME'];
  const line = (readTextIfExists(join('/etc', 'passwd')) ?? '').split('\n').find((one) => one.startsWith(`${user}:`));
  return line?.split(':')[5] || undefined;
}
