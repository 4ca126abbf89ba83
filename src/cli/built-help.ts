/** Help by the words of its page, for 80 columns. Filled by the build of executables (scripts/release/compile.mjs). */
export const builtHelp: Readonly<Record<string, () => Promise<{ readonly default: string }>>> = {};
