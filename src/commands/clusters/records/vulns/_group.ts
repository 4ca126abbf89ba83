import { defineGroup } from '../../../../cli/define.ts';

export default defineGroup({
  path: ['clusters', 'records', 'vulns'],
  summary: 'See the known vulnerabilities of the images of a cluster.',
  aliases: ['vuln', 'vulnerabilities'],
});
