import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEachTest } from './after-each-test.ts';
import { bundle, bundleEnv } from './bundle.ts';
import { sharedFolder } from './shared-folder.ts';

const children: PlatformChild[] = [];
let program: ReturnType<typeof bundle> | undefined;

afterEachTest(async () => {
  for (const child of children.splice(0)) await child.kill();
});

/** A platform in a process of its own, that ends with the running test unless it is killed before. */
export interface PlatformChild {
  readonly child: ChildProcess;
  /** URL of API, issuer and registry. */
  readonly api: string;
  /** Of the seeded developer, for the API. */
  readonly token: string;
  /** Of the seeded developer, for the registry. */
  readonly registryToken: string;
  /** With SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>;
}

/** Resolves when it answers. A new folder gets the organizations, folders and people of the demo. */
export async function startPlatformChild(dataDir: string): Promise<PlatformChild> {
  program ??= bundle(fileURLToPath(new URL('./platform-process.ts', import.meta.url)), sharedFolder());
  const child = spawn(process.execPath, [(await program).path, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: bundleEnv,
  });
  const exit = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exit;
  };
  const ended = exit.then(() => {
    throw new Error('the platform ended before it answered');
  });
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
  ended.catch(() => {});
  const running: PlatformChild = { child, kill, ...JSON.parse(String(line)) };
  children.push(running);
  return running;
}
