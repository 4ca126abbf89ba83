import { defineView } from '../../cli/define.ts';

/** A script as it is to be sourced. */
export const scriptView = defineView<string>({ text: (script) => script });
