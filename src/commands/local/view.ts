import { defineView } from '../../cli/define.ts';
import type { PlatformFile } from '../../local/platform-file.ts';

/** The keys scripts read, in that order and no others. */
export function platformJson(platform: PlatformFile): PlatformFile {
  const { api, issuer, registry, console, dataDir, pid } = platform;
  return { api, issuer, registry, console, dataDir, pid };
}

/** Name and value of every place, one to a line. */
export function placeLines(platform: PlatformFile): string {
  const rows = [
    ['API', platform.api],
    ['Issuer', platform.issuer],
    ['Registry', new URL(platform.registry).host],
    ['Console', platform.console],
    ['Data', platform.dataDir],
    ['Process', String(platform.pid)],
  ] as const;
  return rows.map(([name, value]) => `  ${name.padEnd(10)}${value}\n`).join('');
}

/** The variables that point a shell's chainctl and Terraform at a platform. */
export function environmentOf(platform: PlatformFile): Record<string, string> {
  return {
    CHAINGUARD_PLATFORM_API: platform.api,
    CHAINGUARD_PLATFORM_AUDIENCE: platform.api,
    CHAINGUARD_PLATFORM_ISSUER: platform.issuer,
    CHAINGUARD_PLATFORM_CONSOLE: platform.console,
    CHAINGUARD_PLATFORM_REGISTRY: platform.registry,
    // It has one sign-in page for everybody, so there is nothing to choose.
    CHAINGUARD_DEFAULT_SOCIAL_LOGIN: 'email',
    // The Terraform provider's name for the API; it derives the rest and uses the same token cache.
    CHAINGUARD_CONSOLE_API: platform.api,
    // Its simulated GitHub knows the ids that `local token github` writes.
    CHAINCTL_GITHUB_API: `${platform.api}/simulated/github`,
  };
}

export interface PlatformStatus {
  readonly running: boolean;
  readonly answers: boolean;
  readonly dataDir: string;
  /** Next step when it does not answer, as the hint of an error. */
  readonly fix: string;
  readonly platform?: PlatformFile;
}

export const statusView = defineView<PlatformStatus>({
  json: ({ running, answers, dataDir, platform }) =>
    platform === undefined ? { running, answers, dataDir } : { running, answers, ...platformJson(platform) },
  text: (status) =>
    status.platform === undefined
      ? `Not running (${status.dataDir})\n`
      : `${status.answers ? 'Running' : 'Running, but it does not answer'}\n\n${placeLines(status.platform)}`,
});
