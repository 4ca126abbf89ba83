import { defineDelete } from '../../../cli/noun-commands.ts';
import { production } from '../../../config/contexts.ts';
import { changeOptions, reportChange } from '../change.ts';
import { deletableContext } from './input.ts';
import { contextsOf } from './view.ts';

export default defineDelete({
  path: ['config', 'contexts', 'delete'],
  changesHere: true,
  summary: 'Delete a context and forget its logins.',
  description: 'Nothing changes on its platform. When it was the selected one, production is selected again.',
  noun: { kind: deletableContext, positional: 'NAME', help: 'Which one.', called: 'context' },
  examples: [
    { text: 'Pick one', args: '' },
    { text: 'In a script', args: 'staging --yes' },
  ],
  readsConfig: false,
  describeConsequence: (_context, { name }) => ({
    message: `This deletes the context "${name}" and its logins on this machine. Do you want to continue?`,
    default: false,
    isHere: true,
  }),
  run: async (context, { name, isSelected, values }) => {
    const { ownLogins } = await import('../../../config/contexts.ts');
    const [{ removeContext }, { logout }, { keepLoginsApart }] = await Promise.all([
      import('../../../config/edit.ts'),
      import('../../../auth/session.ts'),
      import('../../../auth/token-cache.ts'),
    ]);
    const apart = ownLogins(await contextsOf(context), name);
    if (apart !== undefined) {
      keepLoginsApart(context.host, apart);
      await logout(context.host, undefined, context.signal);
    } else {
      const registry = new URL(values.get('platform.registry') ?? 'https://cgr.dev').host;
      for (const audience of [
        values.get('platform.audience') ?? '',
        ...(isProductionHost(registry) ? [] : [registry]),
      ]) {
        await logout(context.host, audience, context.signal);
      }
    }
    const edit = await removeContext(context.host, name, isSelected, changeOptions(context));
    reportChange(
      context,
      edit,
      `Context "${name}" deleted.${isSelected ? ` Commands act on "${production}" from now on.` : ''}`,
    );
  },
});

/** The registry that production has too: its login may be that one's. */
const isProductionHost = (host: string) => host === 'cgr.dev' || host.endsWith('.cgr.dev');
