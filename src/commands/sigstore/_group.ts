import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['sigstore'],
  summary: 'Sign images with an authority of your own.',
  description:
    'An authority issues each signer a certificate for ten minutes, in the name of the address or the identity of the login. ' +
    'cosign signs with it once `chainctl sigstore env` has told it where it is; no key is kept and nothing leaves for the internet.',
});
