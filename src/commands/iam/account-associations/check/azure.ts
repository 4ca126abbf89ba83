import { defineCommand } from '../../../../cli/define.ts';
import { checkCommand } from '../definitions.ts';

export default defineCommand(
  checkCommand(
    'azure',
    'azure',
    'It trades its token for one of an application of the tenant, which must have a federated credential for the platform.',
  ),
);
