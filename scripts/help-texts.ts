// Every page of help as it looks in 80 columns, by the words it is asked for with. Bundled and run by help-texts.mjs.

import type { IndexNode } from '../src/cli/define.ts';
import { commandHelp, docsPlace, groupHelp } from '../src/cli/help.ts';
import type { HelpPage } from '../src/cli/help-data.ts';
import { wholeIndex } from '../src/cli/program.ts';
import type { Host } from '../src/host.ts';

// Only the width of it is asked for, and where it was started from, which no page here tells.
const host = { program: '/', stdout: { columns: 80 } } as Host;

export async function helpTexts(): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  const visit = async (path: readonly string[], node: IndexNode): Promise<void> => {
    texts[path.join(' ')] = await textOf(path, node);
    for (const child of node.children ?? []) await visit([...path, child.name], child);
  };
  await visit([], await wholeIndex());
  return texts;
}

async function textOf(path: readonly string[], node: IndexNode): Promise<string> {
  if (node.help === undefined) return groupHelp(path, node, host);
  const page = (await node.help()).default[node.name] as HelpPage | undefined;
  if (page === undefined) throw new Error(`no page of help for "${path.join(' ')}"`);
  return commandHelp(page, host, node.children);
}

export { docsPlace };
