/** A capability, and where it is looked for. */
export interface Need {
  readonly capability: string;
  /** A location as it was given, or words for one that was not. */
  readonly place: string;
  /** The place is what somebody wrote or configured. */
  readonly isGiven: boolean;
  /** Use: `the command`, the input whose text is a name to look up, or what is said of an empty list. */
  readonly purpose: string;
  /** Ids, sorted. */
  readonly operations: readonly string[];
  /** It is no part of what the command does, and without it the command does not fail. */
  readonly isAside: boolean;
  /** Something is different afterwards. */
  readonly changes: boolean;
}
