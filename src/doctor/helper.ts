// docker-credential-cgr, which Docker and its relatives start by its name.

import { lookForHelper } from '../docker/install-helper.ts';
import { type Check, missing, ok, versionOf, wrong } from './check.ts';

const configure = 'chainctl auth configure-docker';

export const helper: Check = {
  name: 'helper',
  purposes: ['docker'],
  async look(examined) {
    const { host } = examined;
    const { first, dead, own } = lookForHelper(host);
    if (first === undefined) {
      if (dead !== undefined) {
        const message = `"${dead}" is a link to a helper that is no longer there`;
        return [wrong(message, configure, { file: dead, key: 'PATH' })];
      }
      const fix = own === undefined ? configure : `export PATH="${own}:$PATH"`;
      return [missing(examined, 'docker', 'docker-credential-cgr is not on PATH', fix, { key: 'PATH' })];
    }
    const where = { file: first.path, key: 'PATH' };
    const said = await versionOf(host, first.path, 'version');
    if (!first.isOurs) {
      const fix =
        own === undefined ? `mv "${first.path}" "${first.path}.before" && ${configure}` : `export PATH="${own}:$PATH"`;
      return [wrong(`"${first.path}" comes first on PATH and is the helper of another program`, fix, where)];
    }
    if (said === undefined) return [wrong(`"${first.path}" does not run`, configure, where)];
    return [ok('docker-credential-cgr is on PATH and runs', where)];
  },
};
