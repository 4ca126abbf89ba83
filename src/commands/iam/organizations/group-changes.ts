import type { IamGroup } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import type { Noun } from '../../../cli/noun-commands.ts';
import type { Question } from '../../../cli/prompts/question.ts';
import { describeGroup, fetchGroup } from './group.ts';
import { renewToken } from './refresh.ts';

export const skipRefreshInput = {
  kind: boolean,
  help: 'Keep the present token, which was made before the change, instead of getting a new one.',
} as const;

const nounOf = (id: string) => (id.includes('/') ? 'folder' : 'organization');

/** Looked up first, so that nobody agrees to delete what is not there. */
async function deletionQuestion(context: Context, reference: Reference): Promise<Question> {
  const group = await describeGroup(context, reference);
  const isOrganization = nounOf(reference.id) === 'organization';
  const lines = [
    `This deletes the ${nounOf(reference.id)} "${group.name}" (${reference.id}) with its role bindings and invites.`,
    ...(isOrganization && context.io.interactive ? [] : ['Do you want to continue?']),
  ];
  const message = lines.map(printable).join('\n');
  return { message, default: false, ...(isOrganization ? { typed: group.name ?? '' } : {}) };
}

/** The platform refuses one that is not empty (semantics 2, group delete). */
async function deleteGroup(context: Context, { id, name }: Reference, skipRefresh: boolean): Promise<void> {
  await (await context.api()).call('iam.v1.Groups.Delete', { id });
  context.io.note(printable(`Deleted the ${nounOf(id)} "${name}".`));
  // The old token only names a place too many, so nothing is lost when there is no new one.
  if (!skipRefresh) await renewToken(context);
}

/** Returns what deleting an organization, a folder or either has in common. Never taken without being named. */
export const deletionOfGroup = ({ kind, ...noun }: Noun<Reference>) => ({
  noun: { ...noun, kind: { ...kind, onlyCandidate: async () => undefined } },
  inputs: { skipRefresh: skipRefreshInput },
  describeConsequence: deletionQuestion,
  run: (context: Context, group: Reference, { skipRefresh }: { readonly skipRefresh: boolean }) =>
    deleteGroup(context, group, skipRefresh),
});

/** Name and description, each only when given. */
export interface GroupTexts {
  readonly name: string | undefined;
  readonly description: string | undefined;
}

/** Changes what was given and keeps the rest. */
export async function updateGroup(context: Context, reference: Reference, texts: GroupTexts): Promise<IamGroup> {
  const before = await fetchGroup(context, reference);
  const name = texts.name ?? before.name ?? '';
  const description = texts.description ?? before.description ?? '';
  if (name === before.name && description === (before.description ?? '')) {
    context.io.note(printable(`"${name}" is like that already.`));
    return before;
  }
  return (await context.api()).call('iam.v1.Groups.Update', { id: reference.id, name, description });
}
