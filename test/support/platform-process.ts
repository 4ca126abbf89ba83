import { startPlatform } from '../../src/local/platform.ts';

// A platform as a process of its own, for tests that kill it. Prints its addresses once it answers.
async function main(): Promise<void> {
  const [dataDir = ''] = process.argv.slice(2);
  const { urls } = await startPlatform({ dataDir, seed: 'empty' });
  process.stdout.write(`${JSON.stringify(urls)}\n`);
}

void main();
