// What this build is. The build scripts put the constants in (scripts/build-constants.mjs); from source they are unknown.

declare const CHAINCTL_VERSION: string | undefined;
declare const CHAINCTL_COMMIT: string | undefined;
declare const CHAINCTL_DATE: string | undefined;
declare const CHAINCTL_EXECUTABLE: boolean | undefined;

/** Without a `v`; `dev` from source. */
export const buildVersion = typeof CHAINCTL_VERSION === 'string' ? CHAINCTL_VERSION : 'dev';
/** 40 hex digits, with `-dirty` behind them when files differed; empty when unknown. */
export const buildCommit = typeof CHAINCTL_COMMIT === 'string' ? CHAINCTL_COMMIT : '';
/** RFC 3339; empty when unknown. */
export const buildDate = typeof CHAINCTL_DATE === 'string' ? CHAINCTL_DATE : '';
/** Whether program and runtime are one file. */
export const isExecutable = typeof CHAINCTL_EXECUTABLE === 'boolean' && CHAINCTL_EXECUTABLE;
