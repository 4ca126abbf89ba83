// An identity written in a file, as JSON or YAML. Guarantees: names may be in camel, snake or kebab case, mixed in one
// object (script-contracts 3); numbers keep their digits; a mistake is told with the file and, where there is one, the
// line.

import { patternProblem, patternWarning } from '../../../api/claim-patterns.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { parseObject, renameFields } from '../../../cli/inputs/message-file.ts';
import { CliError } from '../../../errors.ts';
import { judgeKeySet } from '../../../trust/key-sets.ts';
import { issuerProblem, readFileText } from './rule-flags.ts';

export interface IdentityFile {
  readonly identity: IamIdentity;
  readonly warnings: readonly string[];
}

const message = 'chainguard.platform.iam.Identity';
const code = 'usage.identity-file';

/** Throws a usage CliError for a file that is missing or says no identity, `local` for one that cannot be read. */
export async function readIdentityFile(path: string, context: Context): Promise<IdentityFile> {
  const text = await readFileText(path, context);
  if (text === undefined) throw wrong(`\`--filename\` "${path}" does not exist`);
  const value = await parseObject(text, path, code);
  if (value === undefined) {
    throw wrong(`${path} must hold one identity: an object with a name and who may assume it`);
  }

  const [{ createWire, WireError }, { iamSchema }] = await Promise.all([
    import('../../../api/wire.ts'),
    import('../../../api/schema/messages/iam.gen.ts'),
  ]);
  const renamed = renameFields(value, message, iamSchema.messages);
  let identity: IamIdentity;
  try {
    // The codec checks the shape, so what it returns is an Identity.
    identity = createWire(iamSchema).decodeMessage(message, completeDate(renamed.value)) as IamIdentity;
  } catch (error) {
    if (error instanceof WireError) throw wrong(`${path}: ${error.message}`);
    throw error;
  }
  // Fields that the platform sets itself: present when the file was made from `describe`.
  const { id: _id, createdAt: _created, updatedAt: _updated, lastSeen: _seen, ...own } = identity;
  const warnings = renamed.unknown.map(
    ({ path: key }) => `${path}: "${key}" is not a field of an identity and is left out`,
  );
  const problems = await problemsOf(own, warnings, path);
  if (problems[0] !== undefined) {
    throw wrong(
      `${path}: ${problems[0]}`,
      problems.slice(1).map((problem) => `${path}: ${problem}`),
    );
  }
  return { identity: own, warnings };
}

/** A day alone is a time here as it is in `--expiration`. */
function completeDate(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('static' in value)) return value;
  const keys = value.static;
  if (typeof keys !== 'object' || keys === null || !('expiration' in keys)) return value;
  const { expiration } = keys;
  if (typeof expiration !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(expiration)) return value;
  return { ...value, static: { ...keys, expiration: `${expiration}T00:00:00Z` } };
}

/** Returns what the platform would refuse, told before it is asked. */
async function problemsOf(identity: IamIdentity, warnings: string[], path: string): Promise<string[]> {
  const { claimMatch, static: keys, awsIdentity, servicePrincipal } = identity;
  if ([claimMatch, keys, awsIdentity, servicePrincipal].every((kind) => kind === undefined)) {
    return ['needs one of claim_match, static, aws_identity and service_principal'];
  }
  const problems: string[] = [];
  const patterns: (readonly [string, string | undefined])[] = [
    ['claim_match.issuer_pattern', claimMatch?.issuerPattern],
    ['claim_match.subject_pattern', claimMatch?.subjectPattern],
    ['claim_match.audience_pattern', claimMatch?.audiencePattern],
    ...Object.entries(claimMatch?.claimPatterns ?? {}).map(
      ([claim, pattern]) => [`claim_match.claim_patterns.${claim}`, pattern] as const,
    ),
    ['aws_identity.arn_pattern', awsIdentity?.arnPattern],
    ['aws_identity.user_id_pattern', awsIdentity?.userIdPattern],
  ];
  for (const [name, pattern] of patterns) {
    if (pattern === undefined) continue;
    const problem = await patternProblem(pattern);
    if (problem !== undefined) problems.push(`${name} "${pattern}" is not a valid regular expression: ${problem}`);
    const warning = patternWarning(`${path}: ${name}`, pattern);
    if (problem === undefined && warning !== undefined) warnings.push(warning);
  }
  problems.push(...issuerProblem('claim_match.issuer', claimMatch?.issuer));
  const { problem, warning } = keys === undefined ? {} : judgeKeySet((keys.issuerKeys ?? '').trim());
  if (problem !== undefined) problems.push(`static.issuer_keys ${problem}`);
  if (warning !== undefined) warnings.push(`${path}: static.issuer_keys ${warning}`);
  return problems;
}

const wrong = (text: string, details: readonly string[] = []) => new CliError('usage', text, { code, details });
