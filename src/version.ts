// Answer of `version` for this build.

import { buildCommit, buildDate, buildVersion, isExecutable } from './build.ts';

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
  return {
    gitVersion: buildVersion,
    gitCommit: buildCommit.replace(/-dirty$/, '') || 'unknown',
    gitTreeState: buildCommit === '' ? 'unknown' : buildCommit.endsWith('-dirty') ? 'dirty' : 'clean',
    buildDate: buildDate || 'unknown',
    nodeVersion: process.version,
    compiler: isExecutable ? 'bun' : 'node',
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
