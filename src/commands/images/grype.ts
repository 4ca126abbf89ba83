// grype, when the user has it. Guarantees: it gets the bill of materials on its standard input and nothing else of ours.

import { spawn } from 'node:child_process';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import type { Sbom } from './sbom.ts';

export interface Vulnerability {
  readonly id: string;
  /** Package URL of what has it. */
  readonly reference: string;
  readonly severity: string;
}

/** Returns what grype finds in a bill of materials; undefined when there is no grype on PATH. */
export async function findVulnerabilities(context: Context, sbom: Sbom): Promise<readonly Vulnerability[] | undefined> {
  const output = await runGrype(context, sbom.document);
  if (output === undefined) return undefined;
  let matches: unknown;
  try {
    matches = (JSON.parse(output) as { matches?: unknown }).matches;
  } catch (cause) {
    throw new CliError('api', 'grype did not print JSON', { code: 'grype.output', cause });
  }
  return (Array.isArray(matches) ? matches : []).flatMap((match: Match) => {
    const { id, severity = 'Unknown' } = match.vulnerability ?? {};
    return id === undefined ? [] : [{ id, reference: match.artifact?.purl ?? '', severity }];
  });
}

interface Match {
  readonly vulnerability?: { readonly id?: string; readonly severity?: string };
  readonly artifact?: { readonly purl?: string };
}

function runGrype(context: Context, input: Buffer): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn('grype', ['--output', 'json', '--quiet'], {
      env: context.host.env,
      cwd: context.host.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      signal: context.signal,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve(undefined);
      else reject(context.signal.aborted ? context.signal.reason : error);
    });
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'));
      else {
        const said = Buffer.concat(err).toString('utf8').trim().split('\n').at(-1) ?? '';
        reject(new CliError('api', `grype failed: ${said || `exit code ${code}`}`, { code: 'grype.failed' }));
      }
    });
    // One that ends without reading says why itself.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
