import { join } from 'node:path';
import { developerToken, mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { githubToken, type ThirdPartyClaims } from '../../src/trust/ci-claims.ts';
import {
  startTestPlatform,
  TestClock,
  type TestPlatform,
  type TestPlatformOptions,
  temporaryFolder,
} from './platform.ts';
import { type CliOptions, type CliRun, runCli } from './run-cli.ts';

export interface AuthWorld {
  readonly platform: TestPlatform;
  readonly clock: TestClock;
  /** Cache, configuration and Docker's configuration of every command line of this world. */
  readonly folder: string;
  /** Host of the registry, which is also its audience. */
  readonly registry: string;
  run(argv: readonly string[], options?: CliOptions): Promise<CliRun>;
  /** An ID token for the platform's issuer, as a third party signs it now. */
  mint(claims: ThirdPartyClaims, more?: { audience?: string; ttlSeconds?: number }): Promise<string>;
  person(email: string): Promise<string>;
  workflow(repo: string, ref: string): Promise<string>;
  /** Logs in with that person's ID token. */
  login(email?: string): Promise<CliRun>;
}

/** A platform and command lines that nobody has logged in with yet. Unlike `signedIn`, logging in is left to the test. */
export async function authWorld(options: TestPlatformOptions = {}): Promise<AuthWorld> {
  const clock = new TestClock();
  const platform = await startTestPlatform({ ...options, clock });
  const folder = temporaryFolder();
  const { api, issuer, registry, console } = platform.urls;
  const env = {
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    DOCKER_CONFIG: join(folder, 'docker'),
    CHAINGUARD_PLATFORM_API: api,
    CHAINGUARD_PLATFORM_ISSUER: issuer,
    CHAINGUARD_PLATFORM_REGISTRY: registry,
    CHAINCTL_GITHUB_API: `${api}/simulated/github`,
    CHAINGUARD_DEFAULT_SOCIAL_LOGIN: 'email',
    CHAINGUARD_PLATFORM_CONSOLE: console,
  };
  const world: AuthWorld = {
    platform,
    clock,
    folder,
    registry: new URL(registry).host,
    run: (argv, more = {}) => runCli(argv, { now: clock.now(), ...more, env: { ...env, ...more.env } }),
    mint: (claims, { audience = issuer, ttlSeconds = 3600 } = {}) =>
      mintThirdPartyToken(platform.store, { ...claims, audience, ttlSeconds, now: clock.now() }),
    person: (email) => world.mint(developerToken(email)),
    workflow: (repo, ref) => world.mint(githubToken({ repo, ref })),
    login: async (email = 'dev@example.com') =>
      world.run(['auth', 'login', '--identity-token', await world.person(email)]),
  };
  return world;
}
