// Sentences of a file about who can do what, held against what will be. Guarantees: no input or output; what no list can
// answer, such as who is in a group of an identity provider, never counts as met.

import { decide, type Facts, type Grant } from '../access/grants.ts';
import type { Line, Written } from './document.ts';
import { References } from './references.ts';
import type { State } from './state.ts';

export interface Expectation {
  readonly line: Line;
  /** `dev@example.com can registry.push on engineering`. */
  readonly text: string;
  readonly isMet: boolean;
  /** Why it is not met, a clause. */
  readonly reason?: string;
}

const sentence = /^(\S.*?) (can|cannot) (\S+) on (\S.*)$/;

/** `facts` are what `after` gives. `problems` receives what is no such sentence or names nobody. `known` are the names of capabilities. */
export function judge(
  expectations: readonly Written<string>[],
  after: State,
  facts: Facts,
  known: ReadonlySet<string>,
  problems: string[],
): Expectation[] {
  const references = new References(after, problems);
  return expectations.flatMap(({ value: text, line }) => {
    const [, who = '', verb, capability = '', where = ''] = sentence.exec(text.trim()) ?? [];
    if (verb === undefined) {
      problems.push(`${line}: "${text}" must be written as "WHO can CAPABILITY on PLACE", or with "cannot"`);
      return [];
    }
    if (!known.has(capability)) {
      problems.push(`${line}: no capability is called "${capability}"; see \`chainctl iam roles capabilities list\``);
      return [];
    }
    const place = references.place(where, line);
    const isUser = who.includes('@') || !who.includes('/');
    const id = who.includes('@') ? references.user(who, line) : references.identity(who, line)?.id;
    if (place === undefined || id === undefined) return [];
    const { answer, paths, conditions } = decide(facts, { id, name: isUser ? who : id }, capability, place);
    const isMet = answer === (verb === 'can' ? 'yes' : 'no');
    const reason = isMet ? {} : { reason: whyNot(answer, [...paths, ...conditions], references) };
    return [{ line, text, isMet, ...reason }];
  });
}

function whyNot(answer: 'yes' | 'no' | 'unknown', [grant]: readonly Grant[], { places }: References): string {
  if (answer === 'no') return 'nothing gives it';
  if (grant === undefined) return 'what is known after apply may give it';
  const through = `the role "${grant.role.name || grant.role.id}" in "${places.nameOf(grant.place)}"`;
  return answer === 'yes'
    ? `${through} gives it`
    : `${grant.who} may have it through ${through}, and no list says who that is`;
}
