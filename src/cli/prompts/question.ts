export interface Question {
  readonly message: string;
  /** The answer of Enter on a terminal. Destructive commands say false. */
  readonly default: boolean;
  /** Text that a person types in place of `y`, because the deletion cannot be undone. */
  readonly typed?: string;
  /** Nothing goes that was there, so one agreement is enough even where Enter says no. */
  readonly makes?: true;
  /** It is about files on this machine, so no platform is named. */
  readonly isHere?: true;
}

/** One thing a person may pick. */
export interface Candidate<V> {
  readonly value: V;
  /** Text of the row; control characters are stripped before printing. */
  readonly label: string;
  readonly description?: string;
  /** Words to type in place of picking: printed in the echoed command. */
  readonly text: string;
  /** Its name where that means one thing: what Tab offers in place of an id. */
  readonly unique?: string;
  /** Noun of this item, where the kind has items of several nouns. */
  readonly noun?: string;
  /** Depth in a tree of locations; 0 for roots. */
  readonly depth?: number;
}
