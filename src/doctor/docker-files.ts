// Docker's own configuration: whether it can be read, and whether it leads to the helper.

import { credentialOrder } from '../docker/client-order.ts';
import { checkDockerConfig, dockerConfigPath } from '../docker/docker-config.ts';
import { type Check, failure, missing, ok, wrong } from './check.ts';

const configure = 'chainctl auth configure-docker';

export const dockerFiles: Check = {
  name: 'docker-config',
  purposes: ['docker'],
  async look(examined) {
    const { host, registry } = examined;
    const file = dockerConfigPath(host);
    try {
      checkDockerConfig(host);
    } catch (error) {
      const { message } = failure(error);
      const fix = `mv ${JSON.stringify(file)} ${JSON.stringify(`${file}.broken`)} && ${configure}`;
      return [wrong(message.replace(/, so nothing was changed$/, ''), fix, { file })];
    }
    const [place] = credentialOrder('docker', host, { registry, repository: '' }).places;
    if (place === undefined) {
      const key = `credHelpers[${JSON.stringify(registry)}]`;
      return [
        missing(examined, 'docker', `Docker's configuration says nothing of ${registry}`, configure, { file, key }),
      ];
    }
    const where = { file: place.path, key: place.key };
    if (place.helper === 'cgr') return [ok(`Docker asks docker-credential-cgr for ${registry}`, where)];
    if (place.helper === undefined) return [ok(`Docker has a login for ${registry} in its file`, where)];
    const program = `docker-credential-${place.helper}`;
    const onPath = await host.answerOf(program, ['version'], 10_000);
    if (onPath !== undefined || place.key === 'credsStore') {
      return [ok(`Docker asks ${program} for ${registry}`, where)];
    }
    return [wrong(`Docker asks ${program} for ${registry}, which does not run`, configure, where)];
  },
};
