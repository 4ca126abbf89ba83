import type { Context } from '../context.ts';
import type { Candidate } from '../prompts/question.ts';

/** Values already known when a later input is resolved or asked for, by input key. */
export type Chosen = Readonly<Record<string, unknown>>;

/** A type of value: how its text is read and, for references, how names become things. */
export interface Kind<V> {
  /** Shown in usage and help, e.g. `NAME`, `DURATION`. */
  readonly metavar: string;
  readonly boolean?: true;
  /** The value is a credential: never echoed. */
  readonly secret?: true;
  /** `a,b` counts as two values. */
  readonly splitsCommas?: true;
  readonly choices?: readonly string[];
  /** Reads one value. Throws an Error whose message completes "`--flag` …", e.g. `must be a duration such as "24h"`. */
  parse(text: string): unknown;
  /** Turns the parsed text into the thing it names. Only reference kinds have it. */
  resolve?(context: Context, text: string, chosen: Chosen): Promise<V>;
  /** An id is looked up as well, because more than the id is needed. */
  readonly looksUpIds?: true;
  /** Returns what a person may pick from when the value is missing; undefined: it is typed. */
  candidates?(context: Context, chosen: Chosen): Promise<readonly Candidate<V>[] | undefined>;
  /** Returns what Tab offers after `typed`, where that is not all there is and so nothing to pick from. */
  completions?(context: Context, chosen: Chosen, typed: string): Promise<readonly string[]>;
  /** Returns what to take when nobody can be asked; the only candidate unless given. */
  onlyCandidate?(context: Context, chosen: Chosen): Promise<Candidate<V> | undefined>;
  /**
   * Returns where else the value may come from when it was not given, e.g. a file named by another flag. Nobody is
   * asked then.
   */
  fallback?(context: Context, chosen: Chosen): Promise<V | undefined>;
  /** Next step when there is nothing to pick from. */
  readonly nothing?: string;
  /** Noun in `Selected <noun> <name>.`, e.g. `folder`. */
  readonly noun?: string;
  /** Only for the type: never read at run time. */
  readonly value?: V;
}
