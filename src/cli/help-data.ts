/** Help of a command, whatever the width; made of its definition by `help-page.ts`. */
export interface HelpPage {
  /** With `chainctl`. */
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly deprecated?: string;
  /** Words of the usage line after the name. */
  readonly usage: readonly string[];
  /** The first `maxExamples`: words after the name, and what they do. */
  readonly examples: readonly (readonly [words: string, text: string])[];
  readonly places: readonly HelpRow[];
  readonly required: readonly HelpRow[];
  readonly optional: readonly HelpRow[];
  /** Its flags choose from a list. */
  readonly filters?: true;
  /** Words of `--output`, the default first. */
  readonly formats: readonly string[];
  /** Global flags that say how the answer is shown. */
  readonly answerFlags: readonly string[];
}

/** `brief`: in place of the text where room is scarce. */
export type HelpRow = readonly [name: string, text: string, brief?: string];
