import { defineCommand } from '../../../../cli/define.ts';
import { unsetCommand } from '../definitions.ts';

export default defineCommand(unsetCommand('aws', 'amazon'));
