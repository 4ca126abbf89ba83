import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['config', 'contexts'],
  aliases: ['context', 'ctx'],
  summary: 'Name platforms, and say which one commands act on.',
  description:
    'A context holds the addresses of a platform, what you prefer there and its own logins. `production` is built in, and ' +
    '`chainctl local start` adds `local`. What decides, in this order: `--api` and the other addresses as flags, ' +
    '`--context`, the variables CHAINGUARD_PLATFORM_*, CHAINCTL_CONTEXT, the selected context, the properties platform.* ' +
    'of the file. Contexts are read from your own configuration only, never from ./chainctl/config.yaml.',
});
