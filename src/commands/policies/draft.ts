// Policies written in an editor. Guarantees: a text that cannot be used is never lost: it is kept in a file whose place is told.

import { readFileSync } from 'node:fs';
import type { Context } from '../../cli/context.ts';
import { openEditor, writeDraft } from '../../cli/editor.ts';
import { printableLines } from '../../cli/io.ts';
import type { PolicyDocument } from '../../enforce/policy/types.ts';
import { CliError } from '../../errors.ts';
import { parsePolicies } from './files.ts';

const template = (name: string): string => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: ${name}
spec:
  # Images that it is about. * stops at /, ** does not.
  images:
    - glob: "**"
  # One of these is enough.
  authorities:
    - keyless:
        url: https://fulcio.sigstore.dev
        identities:
          - issuer: https://accounts.google.com
            subject: somebody@example.com
`;

/** Opens an editor on a new policy. */
export const writePolicies = (context: Context, name = 'my-policy'): Promise<PolicyDocument[]> =>
  editPolicies(context, template(name), 'name the document with `--filename`');

/** Lets the person write until it is a policy, or they give up. */
export async function editPolicies(context: Context, text: string, instead: string): Promise<PolicyDocument[]> {
  const draft = writeDraft('policy', 'policy.yaml', text);
  let isKept = false;
  try {
    for (;;) {
      await openEditor(context, draft.path, instead);
      try {
        return await parsePolicies(readFileSync(draft.path, 'utf8'), draft.path);
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        isKept = true;
        const again = { message: printableLines(`${error.message}\nEdit it again?`), default: true };
        if (context.io.interactive && (await context.prompts.confirm(again))) {
          isKept = false;
          continue;
        }
        throw new CliError('usage', error.message, {
          code: error.code,
          details: [...error.details, `your text is kept in ${draft.path}`],
          hint: `fix it there, then \`chainctl policies apply --filename=${draft.path}\``,
        });
      }
    }
  } finally {
    if (!isKept) draft.remove();
  }
}
