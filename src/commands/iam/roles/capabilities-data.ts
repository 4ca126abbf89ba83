import type { Kind } from '../../../cli/inputs/kind.ts';
import type { Candidate } from '../../../cli/prompts/question.ts';
import { CliError } from '../../../errors.ts';
import { nearest } from '../../../suggest.ts';

/** Capabilities that a custom role may hold (roles.md 1), in the order of the platform's list. */
export async function grantableCapabilities(): Promise<readonly string[]> {
  const { capabilities } = await import('../../../api/schema/capabilities.gen.ts');
  return capabilities
    .filter((each) => each.name !== 'internal' && each.internalOnly !== true && each.deprecated !== true)
    .map((each) => each.name);
}

/** `groups.list` → `groups` and `list`; a resource may have dots itself. */
export function splitCapability(name: string): { readonly resource: string; readonly action: string } {
  const dot = name.lastIndexOf('.');
  return { resource: name.slice(0, Math.max(0, dot)) || name, action: name.slice(dot + 1) };
}

export const toCandidate = (name: string): Candidate<string> => ({ value: name, label: name, text: name });

/** Returns what the platform refuses to give a role, with the name that was probably meant. */
export async function withNearMiss<T>(capabilities: readonly string[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'api.refused') throw error;
    const known = await grantableCapabilities();
    const near = capabilities.flatMap((name) => (known.includes(name) ? [] : (nearest(name, known) ?? [])))[0];
    const hint = near === undefined ? 'see `chainctl iam roles capabilities list`' : `did you mean "${near}"?`;
    throw new CliError(error.kind, error.message, { code: error.code, hint, cause: error });
  }
}

/** Names are not checked here: the platform may know some that this program does not. */
export const capability: Kind<string> = {
  metavar: 'CAPABILITY',
  noun: 'capability',
  splitsCommas: true,
  parse: (text) => {
    if (!/^[a-z0-9_]+(\.[a-z0-9_]+)*$/.test(text)) throw new Error('must be a capability such as "groups.list"');
    return text;
  },
  candidates: async () => [...(await grantableCapabilities())].sort().map(toCandidate),
};
