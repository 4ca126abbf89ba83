import { asPattern, escaped, innerAnchorProblem, isGlob, isPattern, patternWarning } from './claim-patterns.ts';
import { gitlabIssuer } from './identity-rules.ts';
import type { IamIdentityClaimMatch } from './schema/types/iam.gen.ts';

export interface GitlabJobs {
  /** `group/project`, with subgroups between them; `*` for any project; or a pattern. */
  readonly projectPath: string;
  readonly refType: 'branch' | 'tag';
  /** Branch or tag name; any when empty or `*`. */
  readonly ref?: string | undefined;
}

/** Returns what the identity of these jobs expects (Q13). */
export function gitlabRule({ projectPath, refType, ref = '' }: GitlabJobs): IamIdentityClaimMatch {
  const anyRef = ref === '' || ref === '*';
  const literal = !anyRef && !isPattern(projectPath) && !isPattern(ref);
  return {
    issuer: gitlabIssuer,
    ...(literal
      ? { subject: `project_path:${projectPath}:ref_type:${refType}:ref:${ref}` }
      : {
          subjectPattern: `^project_path:(?:${globPattern(projectPath, '[^:]+')}):ref_type:${refType}:ref:(?:${anyRef ? '.*' : globPattern(ref, '.*')})$`,
        }),
    audience: gitlabIssuer,
  };
}

/** `*` stands for anything where it is the only special character and does not repeat a dot; else it is a pattern. */
function globPattern(text: string, anything: string): string {
  if (!isGlob(text)) return asPattern(text);
  return text.split('*').map(escaped).join(anything);
}

/** Returns what can never match, as sentences that name the flag. */
export function gitlabProblems(projectPath: string | undefined, ref: string | undefined): string[] {
  const anchors = [...innerAnchorProblem('`--project-path`', projectPath), ...innerAnchorProblem('`--ref`', ref)];
  if (projectPath === undefined || isPattern(projectPath.replaceAll('*', ''))) return anchors;
  if (/^[^\s/:]+(\/[^\s/:]+)+$/.test(projectPath)) return anchors;
  return [...anchors, `\`--project-path\` must be GROUP/PROJECT, not "${projectPath}"`];
}

export function gitlabWarnings(projectPath: string, ref: string | undefined): string[] {
  return [
    isGlob(projectPath) ? undefined : patternWarning('`--project-path`', projectPath),
    ref === undefined || isGlob(ref) ? undefined : patternWarning('`--ref`', ref),
  ].filter((warning) => warning !== undefined);
}
