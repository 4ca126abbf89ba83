// Making an organization or a folder: the same operation, with and without a parent.

import type { IamGroup } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { printable } from '../../../cli/io.ts';
import type { Question } from '../../../cli/prompts/question.ts';
import { reachNewOrganization } from './refresh.ts';

export interface NewGroup {
  readonly name: string;
  /** Undefined for an organization. */
  readonly parent: Reference | undefined;
  readonly description: string | undefined;
}

export const groupQuestion = ({ name, parent }: NewGroup): Question => ({
  message: printable(
    parent === undefined
      ? `This creates the organization "${name}". Do you want to continue?`
      : `This creates the folder "${name}" in "${parent.name}". Do you want to continue?`,
  ),
  default: true,
  makes: true,
});

export async function createGroup(
  context: Context,
  { name, parent, description }: NewGroup,
  skipRefresh: boolean,
): Promise<IamGroup> {
  const made = await (await context.api()).call('iam.v1.Groups.Create', {
    ...(parent === undefined ? {} : { parent: parent.id }),
    group: { name, ...(description === undefined ? {} : { description }) },
  });
  // Rights in the parent hold in a new folder; only a new organization is unknown to the token.
  if (parent === undefined && !skipRefresh) await reachNewOrganization(context, made.id ?? '');
  return made;
}
