import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['config'],
  summary: 'Look at and change the configuration of chainctl.',
  description:
    'Every property can also be set by an environment variable: CHAINGUARD_ and its name in upper case with dots and ' +
    'dashes as underscores, such as CHAINGUARD_DEFAULT_GROUP. Flags win over variables, variables over the file.',
});
