import { defineCommand } from '../../../cli/define.ts';
import { named } from '../../../cli/inputs/values.ts';
import { type Minted, mint, mintedView, mintInputs } from '../mint.ts';

export default defineCommand({
  path: ['local', 'token', 'kubernetes'],
  summary: 'Print the token of a service account of Kubernetes.',
  description: 'What a pod finds in its projected token.',
  inputs: {
    serviceAccount: { kind: named('NAMESPACE/NAME'), required: true, help: 'Service account the pod runs as.' },
    clusterIssuer: {
      kind: named('URL'),
      help: 'Issuer of the cluster. Defaults to the one that pods see inside of it.',
    },
    ...mintInputs,
  },
  examples: [
    {
      text: 'A cluster with an issuer of its own',
      args: '--service-account=apps/puller --cluster-issuer=https://oidc.example.com/cluster',
    },
  ],
  view: mintedView,
  formats: ['text', 'json'],
  readsConfig: false,
  run: async (context, input): Promise<Minted> => {
    const { clusterIssuer, kubernetesToken } = await import('../../../trust/ci-claims.ts');
    const { serviceAccount, clusterIssuer: issuer = clusterIssuer } = input;
    return mint(context, input, kubernetesToken({ serviceAccount, issuer }));
  },
});
