import { defineCommand } from '../../../../cli/define.ts';
import { checkCommand } from '../definitions.ts';

export default defineCommand(
  checkCommand(
    'gcp',
    'google',
    'It trades its token at the workload identity pool "chainguard-pool" and acts as the service account "chainguard-canary".',
  ),
);
