import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['packages'],
  summary: 'Look at the packages that images are made of.',
  aliases: ['package', 'pkg', 'pkgs'],
});
