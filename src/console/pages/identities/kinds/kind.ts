// Interface of an identity kind, for the form that creates one.

import type { VNode } from 'preact';
import { isPattern, patternProblem } from '../../../../api/claim-patterns.ts';
import { issuerUrlProblem } from '../../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../../api/schema/types/iam.gen.ts';
import { type Form, refuse } from '../../../form.ts';
import type { Visit } from '../../../page.ts';

/** Rule of an identity to create. */
export interface Draft {
  readonly identity: IamIdentity;
  /** Warnings about what is allowed but rarely meant, a sentence each. */
  readonly warnings: readonly string[];
}

export interface Kind {
  readonly value: string;
  readonly label: string;
  readonly fields: (form: Form) => VNode;
  /** Throws FormProblem. */
  readonly draft: (visit: Visit, form: Form) => Promise<Draft> | Draft;
  /** Words behind `chainctl iam identities create`, with NAME for its name. */
  readonly words: (form: Form, name: string) => readonly string[];
}

/** The same sentence about a field instead of a flag. */
export const ofField = (sentences: readonly (string | undefined)[], flag: string, label: string): string | undefined =>
  sentences.find((each) => each?.startsWith(`\`${flag}\``))?.replace(`\`${flag}\``, label);

export const plainly = (sentence: string): string => `${sentence.replace(/`--[\w-]+`/, 'It')}.`;

export const optional = (flag: string, value: string): readonly string[] => (value === '' ? [] : [`${flag}=${value}`]);

/** Returns what is wrong with the address of an issuer. */
export function issuerSentence(issuer: string): string | undefined {
  const problem = issuerUrlProblem(issuer);
  return problem === undefined ? undefined : `The issuer ${problem}.`;
}

/** Throws FormProblem for a text that is a pattern and cannot be read. */
export async function refusePatterns(texts: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(texts)) {
    const problem = text === '' || !isPattern(text) ? undefined : await patternProblem(text);
    refuse({ [name]: problem === undefined ? undefined : `This is not a valid regular expression (RE2): ${problem}.` });
  }
}
