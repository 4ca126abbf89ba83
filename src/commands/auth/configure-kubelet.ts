import { isUidp } from '../../api/uidp.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { boolean, string } from '../../cli/inputs/values.ts';
import type { ConfigurationFile } from '../../kubelet/configuration.ts';

const filesView = defineView<{ readonly files: readonly ConfigurationFile[] }>({
  json: ({ files }) => Object.fromEntries(files.map(({ name, content }) => [name, content])),
  text: ({ files }) => files.map(({ name, content }) => `# ${name}\n${content}`).join('---\n'),
});

export default defineCommand({
  path: ['auth', 'configure-kubelet'],
  changesHere: true,
  summary: 'Let the nodes of a cluster pull with an identity.',
  description:
    'Writes two files: credential-provider-config.yaml, which each kubelet takes with --image-credential-provider-config, and ' +
    'node-token-audience.yaml, which lets nodes ask for the tokens it needs (kubectl apply). Pods then pull with the token ' +
    'of their service account, exchanged for the identity; no secret lies on a node or in the cluster. Each node needs ' +
    'this program as kubelet-credential-provider-cgr in the folder of --image-credential-provider-bin-dir. Kubernetes 1.34 ' +
    'or newer.',
  inputs: {
    identity: {
      kind: string,
      required: true,
      help: 'Id of the identity that service accounts may assume.',
      example: '45a0c61ea6fd977f050c5fb9ac06a69eed764595/8b3c6d1e2f4a5b60',
    },
    dir: { kind: string, default: '.', help: 'Folder for the two files.' },
    print: { kind: boolean, help: 'Print both files and write neither.' },
  },
  examples: [
    { text: 'Write the two files here', args: '--identity=IDENTITY_ID' },
    { text: 'Look at them first', args: '--identity=IDENTITY_ID --print' },
  ],
  view: filesView,
  formats: ['text', 'json'],
  validate: ({ identity }) =>
    identity === undefined || isUidp(identity)
      ? []
      : ['`--identity` must be the id of an identity, as `iam identities list` shows it'],
  run: async ({ host, config, io }, input) => {
    const { resolve, join } = await import('node:path');
    const { audienceOfRegistry } = await import('../../auth/session.ts');
    const { providerFiles } = await import('../../kubelet/configuration.ts');
    const { providerName } = await import('../../kubelet/names.ts');
    const files = providerFiles({
      identity: input.identity,
      issuer: config.get('platform.issuer'),
      registry: audienceOfRegistry(config.get('platform.registry')),
    });
    if (input.print) return { files };
    const { replaceFile } = await import('../../files.ts');
    const folder = resolve(host.cwd, input.dir);
    for (const { name, content } of files) {
      const path = join(folder, name);
      replaceFile(path, content, { mode: 0o644 });
      io.note(`Wrote "${path}"`);
    }
    io.note(`Next: put this program on each node as ${providerName}, and run \`kubectl apply -f ${files[1]?.name}\``);
    return undefined;
  },
});
