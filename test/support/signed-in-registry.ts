import type { CliOptions, CliRun } from './run-cli.ts';
import { type SignedIn, signedIn } from './signed-in.ts';

/** Everything that users get, with command lines that know the registry. */
export async function withImages(): Promise<SignedIn & { readonly host: string }> {
  const world = await signedIn({ seed: 'demo' });
  const known =
    (run: SignedIn['run']): SignedIn['run'] =>
    (argv: readonly string[], options: CliOptions = {}): Promise<CliRun> =>
      run(argv, { ...options, env: { CHAINGUARD_PLATFORM_REGISTRY: world.platform.urls.registry, ...options.env } });
  return {
    ...world,
    run: known(world.run),
    as: (who) => known(world.as(who)),
    host: new URL(world.platform.urls.registry).host,
  };
}
