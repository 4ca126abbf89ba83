import { defineCommand } from '../../cli/define.ts';
import { pullTokenCommand } from './pull-token/definition.ts';

export default defineCommand({ ...pullTokenCommand(['auth', 'pull-token']), aliases: ['pull-tokens'] });
