/** Returns what is wrong with a text, or undefined. */
export type Validate = (text: string) => string | undefined | Promise<string | undefined>;

export interface TextOptions {
  /** Hides the text that is typed. */
  readonly secret?: boolean;
  /** Example of an answer, shown while nothing is typed. */
  readonly example?: string | undefined;
  /** Text to begin with, to be changed or taken with Enter. */
  readonly initial?: string | undefined;
}
