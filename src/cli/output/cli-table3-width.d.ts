// cli-table3 ships types for its main entry only; this is the module that holds the measure it lays out by.
declare module 'cli-table3/src/utils.js' {
  /** Terminal columns of the longest line of a text. */
  export function strlen(text: string): number;
}
