import { defineCommand } from '../../../cli/define.ts';
import { pullTokenCommand } from './definition.ts';

export default defineCommand({
  ...pullTokenCommand(['auth', 'pull-token', 'create']),
  aliases: ['make', 'mk'],
});
