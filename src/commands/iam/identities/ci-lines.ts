// Prints the lines a job needs in order to assume a new identity. Shown to people only: scripts read the id.

import type { Context } from '../../../cli/context.ts';
import { printable } from '../../../cli/io.ts';
import type { ShownIdentity } from './view.ts';

/** The lines of a GitHub workflow. */
export function tellGithub(context: Context, made: readonly ShownIdentity[]): void {
  tell(context, made, 'In the workflow:', (id) => [
    'permissions:',
    '  contents: read',
    '  id-token: write',
    'steps:',
    '  - uses: chainguard-dev/setup-chainctl@main',
    '    with:',
    `      identity: ${id}`,
  ]);
}

/** The lines of a GitLab pipeline. The token never stands in a command's words, which others can read. */
export function tellGitlab(context: Context, made: readonly ShownIdentity[], audience: string): void {
  tell(context, made, 'In the pipeline:', (id) => [
    'id_tokens:',
    '  CHAINGUARD_ID_TOKEN:',
    `    aud: ${audience}`,
    'script:',
    `  - printf %s "$CHAINGUARD_ID_TOKEN" | chainctl auth login --identity ${id} --identity-token -`,
  ]);
}

function tell(
  { io }: Context,
  made: readonly ShownIdentity[],
  caption: string,
  lines: (id: string) => readonly string[],
): void {
  const id = made[0]?.identity.id;
  if (!io.interactive || id === undefined) return;
  io.note(`\n${caption}\n`);
  for (const line of lines(id)) io.note(`  ${printable(line)}`);
}
