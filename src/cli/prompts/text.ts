/** Returns what is wrong with a text, or undefined. */
export type Validate = (text: string) => string | undefined | Promise<string | undefined>;

export interface TextOptions {
  /** What is typed does not show. */
  readonly secret?: boolean;
}
