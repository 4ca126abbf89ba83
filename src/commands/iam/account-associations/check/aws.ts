import { defineCommand } from '../../../../cli/define.ts';
import { checkCommand } from '../definitions.ts';

export default defineCommand(
  checkCommand(
    'aws',
    'amazon',
    'It assumes the role "chainguard-canary" of the account, which must trust the issuer of the platform.',
  ),
);
