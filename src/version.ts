// What this build is. The build script puts the three constants in; from source they are unknown.

declare const CHAINCTL_VERSION: string | undefined;
declare const CHAINCTL_COMMIT: string | undefined;
declare const CHAINCTL_DATE: string | undefined;

export interface VersionInfo {
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly gitTreeState: string;
  readonly buildDate: string;
  readonly nodeVersion: string;
  readonly compiler: string;
  readonly platform: string;
}

export function versionInfo(): VersionInfo {
  const commit = typeof CHAINCTL_COMMIT === 'string' ? CHAINCTL_COMMIT : '';
  return {
    gitVersion: typeof CHAINCTL_VERSION === 'string' ? CHAINCTL_VERSION : 'dev',
    gitCommit: commit.replace(/-dirty$/, '') || 'unknown',
    gitTreeState: commit === '' ? 'unknown' : commit.endsWith('-dirty') ? 'dirty' : 'clean',
    buildDate: (typeof CHAINCTL_DATE === 'string' ? CHAINCTL_DATE : '') || 'unknown',
    nodeVersion: process.version,
    compiler: 'node',
    platform: `${process.platform === 'win32' ? 'windows' : process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}

/** `Key:` padded to column 15, a line each; scripts grep `GitVersion:` (script-contracts 5). */
export function versionText(info: VersionInfo = versionInfo()): string {
  const rows = [
    ['GitVersion', info.gitVersion],
    ['GitCommit', info.gitCommit],
    ['GitTreeState', info.gitTreeState],
    ['BuildDate', info.buildDate],
    ['NodeVersion', info.nodeVersion],
    ['Compiler', info.compiler],
    ['Platform', info.platform],
  ];
  const lines = rows.map(([key, value]) => `${`${key}:`.padEnd(15)}${value}`);
  return `chainctl: an independent command line for the Chainguard platform\n\n${lines.join('\n')}\n`;
}
