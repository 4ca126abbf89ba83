import { resolve } from 'node:path';
import { CliError } from '../errors.ts';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';

/**
 * The token in a file, or on standard input for `-`, without what surrounds it. A token is never a word of a command line,
 * where others can read it. Throws kind `usage` where there is none.
 */
export async function readToken(host: Host, path: string): Promise<string> {
  const text = path === '-' ? await host.stdin.readAll() : readTextIfExists(resolve(host.cwd, path));
  const where = path === '-' ? 'standard input' : `"${path}"`;
  if (text === undefined) {
    const isToken = /^[\w-]{10,}\.[\w-]+\.[\w-]*$/.test(path);
    throw new CliError('usage', isToken ? 'A token stands where a file is expected' : `${where} does not exist`, {
      code: 'usage.no-token',
      hint: 'give the file that holds the token, or "-" and the token on standard input',
    });
  }
  const token = text.trim();
  if (token !== '') return token;
  throw new CliError('usage', `There is no token in ${where}`, { code: 'usage.no-token' });
}
