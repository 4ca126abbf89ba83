// The Docker credential helper (protocols 7.2), as far as it answers with a token that is still good. Guarantees: that costs
// one small file and loads no configuration, HTTP or command. Everything else is credential-helper-rest.ts.

import { join } from 'node:path';
import { audienceFolder, cacheRootIn, contextsFolderName, readSecret, tokenFileName } from './auth/cache-files.ts';
import { expiryOf } from './auth/jwt.ts';
import { answerWith, audiencesFor, type Begun, hostOf, readInput, writeAnswer } from './docker/helper-request.ts';
import { cacheDir } from './host.ts';
import { lstatIfExists } from './stats.ts';

/** Docker stops believing a token a little before it ends; so do we (protocols 3.6). */
const renewBelowMs = 60_000;

/** Answers one request of Docker's from standard input and sets the exit code. Never rejects. */
export async function runHelper(words: readonly string[] = process.argv.slice(2)): Promise<void> {
  const begun = words.length === 1 && words[0] === 'get' ? begin() : {};
  // At once, without Node's taking apart of what it has built.
  if (begun === undefined) process.exit(0);
  const { finish } = await import('./credential-helper-rest.ts');
  await finish(words, begun);
}

/** Answers with a token that is still good. Returns what is done where there is none; undefined when all is. */
function begin(): Begun | undefined {
  let input: string | undefined;
  let answer: string | undefined;
  try {
    input = readInput();
    answer = cachedAnswer(input.trim());
  } catch (error) {
    return { error };
  }
  if (answer === undefined) return { input };
  const unwritten = writeAnswer(answer);
  return unwritten && { input, unwritten };
}

function cachedAnswer(server: string): string | undefined {
  const host = hostOf(server);
  const token = host === undefined ? undefined : cachedToken(audiencesFor(host));
  return token === undefined ? undefined : answerWith(server, token);
}

function cachedToken(audiences: readonly string[]): string | undefined {
  const root = cacheRootIn(cacheDir({ platform: process.platform, env: process.env, home }));
  // Then the selected context decides whose login it is, and only the configuration knows which one that is.
  if (lstatIfExists(join(root, contextsFolderName)) !== undefined) return undefined;
  for (const audience of audiences) {
    const token = readSecret(root, join(root, audienceFolder(audience, process.platform)), tokenFileName);
    if (token !== undefined && expiryOf(token) - Date.now() > renewBelowMs) return token;
  }
  return undefined;
}

function home(): string {
  const folder = process.env['HOME'] || process.env['USERPROFILE'];
  // Finding it in the password file would cost loading node:os before it is known to be needed.
  if (folder) return folder;
  try {
    return (process.getBuiltinModule('node:os') as typeof import('node:os')).homedir();
  } catch {
    // The user of a container need not be in it.
    throw Object.assign(new Error('There is no home folder'), { hint: 'set HOME' });
  }
}
