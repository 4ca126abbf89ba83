// Facts about this build. The build scripts put the constants in (scripts/build-constants.mjs); from source they are
// unknown.

declare const CHAINCTL_VERSION: string | undefined;
declare const CHAINCTL_COMMIT: string | undefined;
declare const CHAINCTL_DATE: string | undefined;
declare const CHAINCTL_TARGET: string | undefined;
declare const CHAINCTL_UPDATE_KEY: string | undefined;
declare const CHAINCTL_UPDATE_URL: string | undefined;

/** Without a `v`; `dev` from source. */
export const buildVersion = typeof CHAINCTL_VERSION === 'string' ? CHAINCTL_VERSION : 'dev';
/** 40 hex digits, with `-dirty` behind them when files differed; empty when unknown. */
export const buildCommit = typeof CHAINCTL_COMMIT === 'string' ? CHAINCTL_COMMIT : '';
/** RFC 3339; empty when unknown. */
export const buildDate = typeof CHAINCTL_DATE === 'string' ? CHAINCTL_DATE : '';
/** The system an executable is for, as in its file's name: `linux_x86_64_musl`. Empty for the Node build. */
export const buildTarget = typeof CHAINCTL_TARGET === 'string' ? CHAINCTL_TARGET : '';
/** True when program and runtime are one file. */
export const isExecutable = buildTarget !== '';
/** Whose releases this one may be replaced by: a public key as PEM. Empty when it does not update itself. */
export const updateKey = typeof CHAINCTL_UPDATE_KEY === 'string' ? CHAINCTL_UPDATE_KEY : '';
/** Default address of releases; empty when the build names none. */
export const updateUrl = typeof CHAINCTL_UPDATE_URL === 'string' ? CHAINCTL_UPDATE_URL : '';
