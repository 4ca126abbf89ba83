/** Returns what is wrong with a text, or undefined. */
export type Validate = (text: string) => string | undefined | Promise<string | undefined>;

export interface TextOptions {
  /** What is typed does not show. */
  readonly secret?: boolean;
  /** What an answer looks like, shown while nothing is typed. */
  readonly example?: string | undefined;
  /** What stands there already, to be changed or taken with Enter. */
  readonly initial?: string | undefined;
}
