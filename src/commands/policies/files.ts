// Policy documents from files. Guarantees: every document of every file is read and checked before anything is sent, and a
// problem names the file and the line.

import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Context } from '../../cli/context.ts';
import type { PolicyDocument } from '../../enforce/policy/types.ts';
import { missingProgram } from '../../enforce/rules/programs.ts';
import { CliError } from '../../errors.ts';
import { readTextIfExists, toFileError } from '../../files.ts';

const code = 'usage.policy';

/** Throws a usage CliError. `-` is standard input; a folder needs `recursive`. */
export async function readPolicyFiles(
  context: Context,
  paths: readonly string[],
  recursive: boolean,
): Promise<PolicyDocument[]> {
  const found: PolicyDocument[] = [];
  const places = new Map<string, string>();
  for (const path of paths.flatMap((each) => filesAt(context, each, recursive))) {
    const text = path === '-' ? await context.host.stdin.readAll() : readTextIfExists(resolve(context.host.cwd, path));
    const shown = path === '-' ? 'standard input' : path;
    if (text === undefined) throw new CliError('usage', `\`--filename\` "${path}" does not exist`, { code });
    for (const document of await parsePolicies(text, shown)) {
      const { name } = document.policy;
      const before = places.get(name);
      if (before !== undefined) {
        throw new CliError('usage', `${shown} and ${before} both hold a policy "${name}"; nothing was applied`, {
          code,
        });
      }
      places.set(name, shown);
      found.push(document);
    }
  }
  return found;
}

/** `place` is what messages call the text. */
export async function parsePolicies(text: string, place: string): Promise<PolicyDocument[]> {
  const [{ readPolicies }, { PolicyError }] = await Promise.all([
    import('../../enforce/policy/document.ts'),
    import('../../enforce/policy/types.ts'),
  ]);
  try {
    return readPolicies(text);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new CliError('usage', `${place}: ${error.message}`, { code });
  }
}

/** Says what was read otherwise than it is written, and what cannot hold where it would be decided here. */
export function tellWarnings(context: Context, documents: readonly PolicyDocument[]): void {
  for (const { policy, warnings } of documents) {
    for (const warning of warnings) context.io.warn(`${policy.name}: ${warning}`);
    for (const { name, kind } of policy.authorities) {
      const source = kind.kind === 'key' ? kind : kind.kind === 'keyless' ? kind.caCert : undefined;
      if (source?.kms !== undefined) {
        context.io.warn(
          `${policy.name}: authority ${name} has its key in a KMS, which is not supported; it will always fail`,
        );
      }
    }
    const languages = new Set(
      [
        policy.policy,
        ...policy.authorities.flatMap(({ attestations }) => attestations.map((one) => one.policy)),
      ].flatMap((rule) => rule?.type ?? []),
    );
    for (const language of languages) {
      const program = missingProgram(language, context.host.env['PATH']);
      if (program === undefined) continue;
      context.io.warn(
        `${policy.name}: its ${language === 'cue' ? 'CUE' : 'Rego'} needs the program ${program}, which is not on the PATH of this machine; where the agent runs without it the policy will always fail`,
      );
    }
  }
}

function filesAt({ host }: Context, path: string, recursive: boolean): string[] {
  if (path === '-') return [path];
  const full = resolve(host.cwd, path);
  try {
    if (!statSync(full, { throwIfNoEntry: false })?.isDirectory()) return [path];
    if (!recursive) {
      throw new CliError('usage', `\`--filename\` "${path}" is a folder`, {
        code,
        hint: 'add `--recursive` to read every file in it',
      });
    }
    const inside = readdirSync(full, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(?:ya?ml|json)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    if (inside.length > 0) return inside;
    throw new CliError('usage', `\`--filename\` "${path}" holds no .yaml, .yml or .json file`, { code });
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw toFileError(error, 'read', full);
  }
}
