import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach } from 'vitest';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

export interface PlatformChild {
  readonly child: ChildProcess;
  /** URL of the API. */
  readonly api: string;
}

/** Starts the platform in a process of its own, to be killed, and resolves when it answers. */
export async function startPlatformChild(dataDir: string): Promise<PlatformChild> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const script = fileURLToPath(new URL('./platform-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', tsx, script, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const ended = once(child, 'exit').then(() => {
    throw new Error('the platform ended before it answered');
  });
  const [line] = await Promise.race([once(child.stdout, 'data'), ended]);
  ended.catch(() => {});
  return { child, api: JSON.parse(String(line)).api };
}
