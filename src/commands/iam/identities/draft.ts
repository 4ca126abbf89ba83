import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { nameProblem, resourceName } from '../../../cli/inputs/names.ts';
import { readIdentityFile } from './identity-file.ts';
import { checkRuleFlags, issuerProblem, type Rule, type RuleFlags } from './rule-flags.ts';

export interface DraftFlags extends RuleFlags {
  readonly filename?: string | undefined;
  readonly servicePrincipal?: string | undefined;
  readonly name?: string | undefined;
}

/** Identity to create, as far as flags and file say it. */
export interface Draft {
  readonly identity: IamIdentity;
  readonly problems: readonly string[];
}

const drafts = new WeakMap<Context, Promise<Draft>>();

/** The draft of this run: made from the flags by the first caller, which is `validate`. */
export function draftOf(context: Context, flags: DraftFlags): Promise<Draft> {
  const draft = drafts.get(context) ?? draftIdentity(flags, context);
  drafts.set(context, draft);
  return draft;
}

/** The draft with its final name; a description on the command line wins. */
export async function completeDraft(
  context: Context,
  input: DraftFlags & { readonly name: string; readonly description: string | undefined },
): Promise<IamIdentity> {
  const { identity } = await draftOf(context, input);
  return {
    ...identity,
    name: input.name,
    ...(input.description === undefined ? {} : { description: input.description }),
  };
}

/** A name that the file may hold as well. */
export const nameOrFile: Kind<string> = {
  ...resourceName,
  // There is no draft yet when the rule is going to be asked for, and then there is no file.
  fallback: async (context) => (await drafts.get(context))?.identity.name,
};

/** Warnings go out as soon as nothing else is wrong. */
async function draftIdentity(flags: DraftFlags, context: Context): Promise<Draft> {
  if (flags.filename !== undefined) return draftFromFile(flags.filename, flags.name, context);
  if (flags.servicePrincipal !== undefined) {
    return { identity: { servicePrincipal: flags.servicePrincipal }, problems: [] };
  }
  const { rule, problems, warnings } = await checkRuleFlags(flags, context);
  const isStatic = flags.issuerKeys !== undefined;
  const all = [...missing(rule, isStatic), ...problems];
  if (!isStatic) all.push(...issuerProblem('`--identity-issuer`', rule.issuer));
  if (all.length === 0) for (const warning of warnings) context.io.warn(warning);
  return { identity: isStatic ? { static: toStatic(rule) } : { claimMatch: toClaimMatch(rule) }, problems: all };
}

async function draftFromFile(path: string, name: string | undefined, context: Context): Promise<Draft> {
  const { identity, warnings } = await readIdentityFile(path, context);
  for (const warning of warnings) context.io.warn(warning);
  const own = identity.name;
  const usable = name !== undefined || own === undefined || /^[a-z0-9 ._-]+$/.test(own);
  return { identity, problems: usable ? [] : [`${path}: name ${nameProblem}, not "${own}"`] };
}

function missing(rule: Rule, isStatic: boolean): string[] {
  const hasIssuer = rule.issuer !== undefined || rule.issuerPattern !== undefined;
  const hasSubject = rule.subject !== undefined || rule.subjectPattern !== undefined;
  const or = (flag: string) => (isStatic ? `\`${flag}\`` : `\`${flag}\` or \`${flag}-pattern\``);
  return [
    ...(hasIssuer ? [] : [`${or('--identity-issuer')} is required`]),
    ...(hasSubject ? [] : [`${or('--subject')} is required`]),
  ];
}

function toClaimMatch({ issuerKeys: _keys, expiration: _end, ...match }: Rule): NonNullable<IamIdentity['claimMatch']> {
  return { ...match, claimPatterns: { ...match.claimPatterns } };
}

function toStatic({ issuer, subject, issuerKeys, expiration, audience }: Rule): NonNullable<IamIdentity['static']> {
  return {
    ...(issuer === undefined ? {} : { issuer }),
    ...(subject === undefined ? {} : { subject }),
    ...(issuerKeys === undefined ? {} : { issuerKeys }),
    ...(expiration === undefined ? {} : { expiration }),
    ...(audience === undefined ? {} : { audiences: [audience] }),
  };
}
