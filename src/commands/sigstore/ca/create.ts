import type { IamCertificateAuthority } from '../../../api/schema/types/iam.gen.ts';
import { defineCommand, type Inputs, type InputValues } from '../../../cli/define.ts';
import { description } from '../../../cli/inputs/names.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean, choice, file, named, string } from '../../../cli/inputs/values.ts';
import { CliError } from '../../../errors.ts';
import { authorityView } from './view.ts';

const inputs = {
  group: {
    kind: group,
    aliases: ['parent'],
    required: true,
    config: 'default.group',
    help: 'Organization or folder whose people sign with it.',
    question: 'Whose certificate authority is it?',
  },
  name: { kind: string, short: 'n', default: 'signing', help: 'Name, which stands in its certificates.' },
  description: { kind: description, short: 'd', help: 'What it is for.' },
  ca: {
    kind: choice('local', 'googleca', 'kmsca'),
    default: 'local',
    help: 'Who keeps the keys: the platform itself, or a cloud that the platform asks. The local platform asks none.',
  },
  googlecaRef: { kind: named('RESOURCE'), help: 'With --ca=googleca, the resource name of the authority.' },
  kmsKeyRef: { kind: named('RESOURCE'), help: 'With --ca=kmsca, the resource name of the key.' },
  kmsCertChain: { kind: file, help: 'With --ca=kmsca, the file with its certificates in PEM.' },
  generateCertChain: {
    kind: boolean,
    hidden: true,
    help: 'Has no effect without a KMS: the certificates are always generated.',
  },
} as const satisfies Inputs;

export default defineCommand({
  path: ['sigstore', 'ca', 'create'],
  summary: 'Create a certificate authority.',
  description:
    'Anyone who holds sigstore.certificate.create where it is, which owners and editors do, can then sign with it. ' +
    '`chainctl sigstore env` tells cosign how.',
  aliases: ['make', 'mk'],
  inputs,
  validate: ({ ca = 'local', googlecaRef, kmsKeyRef, kmsCertChain, generateCertChain }) => [
    ...(ca === 'googleca' && googlecaRef === undefined ? ['`--ca=googleca` needs `--googleca-ref`'] : []),
    ...(ca !== 'googleca' && googlecaRef !== undefined ? ['`--googleca-ref` needs `--ca=googleca`'] : []),
    ...(ca === 'kmsca' && (kmsKeyRef === undefined || kmsCertChain === undefined)
      ? ['`--ca=kmsca` needs `--kms-key-ref` and `--kms-cert-chain`']
      : []),
    ...(ca !== 'kmsca' && (kmsKeyRef !== undefined || kmsCertChain !== undefined)
      ? ['`--kms-key-ref` and `--kms-cert-chain` need `--ca=kmsca`']
      : []),
    ...(generateCertChain && ca !== 'local'
      ? ['`--generate-cert-chain` is not supported; name the certificates with `--kms-cert-chain`']
      : []),
  ],
  examples: [
    { text: 'With keys that the platform keeps', args: '--group=example.com' },
    { text: 'By another name', args: '--group=example.com --name=release-signing' },
  ],
  view: authorityView,
  formats: ['table', 'json', 'id'],
  run: async (context, { group: { id }, name, description: text, ...input }) => {
    const certificateAuthority = await elsewhere(input);
    return (await context.api()).call('iam.v1.SigstoreService.Create', {
      parentId: id,
      sigstore: {
        name,
        ...(text === undefined ? {} : { description: text }),
        ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
      },
    });
  },
});

/** Undefined for keys that the platform keeps. */
async function elsewhere(
  input: Pick<InputValues<typeof inputs>, 'ca' | 'googlecaRef' | 'kmsKeyRef' | 'kmsCertChain'>,
): Promise<IamCertificateAuthority | undefined> {
  const { ca, googlecaRef = '', kmsKeyRef = '', kmsCertChain = '' } = input;
  if (ca === 'googleca') return { googleCa: { ref: googlecaRef } };
  if (ca !== 'kmsca') return undefined;
  const { readTextIfExists } = await import('../../../files.ts');
  const certChain = readTextIfExists(kmsCertChain);
  if (certChain !== undefined) return { kmsCa: { keyRef: kmsKeyRef, certChain } };
  throw new CliError('usage', `\`--kms-cert-chain\` "${kmsCertChain}" does not exist`, { code: 'usage.bad-value' });
}
