export interface DescribedFlag {
  /** With its dashes; of an argument its name in usage lines. */
  readonly name: string;
  readonly short?: string;
  readonly aliases?: readonly string[];
  /** `boolean`, or the word that stands for the value in help. */
  readonly type: string;
  readonly choices?: readonly string[];
  readonly default?: string;
  /** The configuration property that it is taken from when it is not given. */
  readonly config?: string;
  readonly required: boolean;
  readonly repeatable: boolean;
  readonly secret?: true;
  readonly help: string;
}

export interface DescribedCommand {
  /** With `chainctl`. */
  readonly command: string;
  readonly summary: string;
  readonly aliases: readonly string[];
  readonly deprecated?: string;
  /** Whether the command may change something on the platform or on this machine. */
  readonly writes: boolean;
  /** Whether the command asks before it acts, unless `--yes` is given. */
  readonly confirms: boolean;
  readonly lists: boolean;
  /** Formats of `--output`. */
  readonly formats: readonly string[];
  readonly arguments: readonly DescribedFlag[];
  readonly flags: readonly DescribedFlag[];
  /** Flags that every command has are in `chainctl help flags`; these are the ones of them that it has beside. */
  readonly globalFlags: readonly string[];
}
