import { send } from '../../api/transport.ts';
import type { Context } from '../../cli/context.ts';
import { createRulePrograms } from '../../enforce/rules/programs.ts';
import type { Surroundings } from '../../enforce/verify/surroundings.ts';

/** Returns what rules of policies reach: the programs on the PATH, and texts that lie behind a URL. */
export function ruleSurroundings({ host, signal }: Context): Pick<Surroundings, 'download' | 'runRule'> {
  const programs = createRulePrograms(host.env['PATH']);
  return {
    runRule: programs.run,
    async download(url) {
      const { status, bytes } = await send(host, {
        method: 'GET',
        url,
        timeoutMs: 10_000,
        maxBytes: 1024 * 1024,
        signal,
      });
      if (status !== 200) throw new Error(`the server answered ${status}`);
      return bytes;
    },
  };
}
