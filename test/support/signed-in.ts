import { writeTokens } from '../../src/auth/token-cache.ts';
import { fakeHost } from './fake-host.ts';
import { personId } from './ids.ts';
import { expectNeedsTold } from './needs-watch.ts';
import { quickFolder, startTestPlatform, TestClock, type TestPlatform, type TestPlatformOptions } from './platform.ts';
import { type CliOptions, type CliRun, runCli } from './run-cli.ts';

export interface SignedIn {
  readonly platform: TestPlatform;
  readonly clock: TestClock;
  /** Runs a command line as somebody who has logged in. */
  run(argv: readonly string[], options?: CliOptions): Promise<CliRun>;
  /** The same as somebody else: a seeded address or the UIDP of any identity. */
  as(who: string): (argv: readonly string[], options?: CliOptions) => Promise<CliRun>;
  /** Requests to the API since the last time this was asked, by operation. */
  calls(): string[];
}

/** A platform of the running test's own and command lines that talk to it, as `dev@example.com` unless said otherwise. */
export async function signedIn(options: TestPlatformOptions = {}): Promise<SignedIn> {
  const clock = new TestClock();
  const platform = await startTestPlatform({ ...options, clock });
  let seen = 0;
  const as = (who: string) => {
    const cache = quickFolder();
    return async (argv: readonly string[], run: CliOptions = {}): Promise<CliRun> => {
      const env = {
        XDG_CACHE_HOME: cache,
        CHAINGUARD_PLATFORM_API: platform.urls.api,
        CHAINGUARD_PLATFORM_ISSUER: platform.urls.issuer,
        CHAINGUARD_PLATFORM_AUDIENCE: platform.urls.api,
        // Nobody else is asked.
        CHAINCTL_GITHUB_API: `${platform.urls.api}/simulated/github`,
        ...run.env,
      };
      const token = await platform.token(who.includes('@') ? personId(who) : who);
      writeTokens(fakeHost({ env }), platform.urls.api, { token, refreshToken: null });
      const before = platform.log.length;
      const result = await runCli(argv, { now: clock.now(), ...run, env });
      // What a function of the test does meanwhile is not the command's.
      if (run.answers?.some((answer) => typeof answer === 'function') !== true) {
        const called = platform.log.slice(before).flatMap(({ operation }) => operation ?? []);
        await expectNeedsTold(argv, { asking: run.tty !== undefined && run.tty !== false, called });
      }
      return result;
    };
  };
  return {
    platform,
    clock,
    as,
    run: as('dev@example.com'),
    calls() {
      const since = platform.log.slice(seen);
      seen = platform.log.length;
      return since.flatMap(({ operation }) => operation ?? []);
    },
  };
}
