// Manages the folders of cluster agents that run beside the platform. Guarantees: files that hold tokens are readable
// by their owner alone, and are replaced whole.

import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { readTextIfExists, replaceFile, toFileError } from '../../files.ts';
import { dataDir } from '../../host.ts';

/** State of an agent, kept so that it survives restarts. */
export interface AgentFile {
  /** Uid of namespace gulfstream. */
  readonly remoteId: string;
  readonly server: string;
  /** PEM of the API server's authority. */
  readonly ca: string;
  /** Token of service account gulfstream/controller for the API server; the agent renews it itself. */
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** UIDP that the agent is on the platform, and its cluster. Empty until it is registered. */
  readonly identity: string;
  readonly cluster: string;
  readonly api: string;
  readonly issuer: string;
  /** Address by which the API server calls the webhook. */
  readonly webhookAddress: string;
  /** Address that the webhook listens on. */
  readonly webhookListen: string;
  /** Context of kubectl that it was installed with; for messages. */
  readonly context: string;
  /** Process that runs it; 0 for none. */
  readonly pid: number;
}

export function agentFolder(context: Context, remoteId: string): string {
  return join(dataDir(context.host), 'chainctl', 'agents', remoteId);
}

export function readAgent(folder: string): AgentFile | undefined {
  const text = readTextIfExists(join(folder, 'agent.json'));
  // Only this program writes the file.
  return text === undefined ? undefined : (JSON.parse(text) as AgentFile);
}

export function writeAgent(folder: string, agent: AgentFile): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw toFileError(error, 'write', folder);
  }
  replaceFile(join(folder, 'agent.json'), `${JSON.stringify(agent, undefined, 2)}\n`, { mode: 0o600 });
}

/** Ids of clusters that an agent was set up for here. */
export function knownAgents(context: Context): string[] {
  try {
    return readdirSync(join(dataDir(context.host), 'chainctl', 'agents')).sort();
  } catch {
    return [];
  }
}

/** Throws when no agent could be kept here, before anything is applied for one. */
export function requireRoomForAgents(context: Context): void {
  const folder = join(dataDir(context.host), 'chainctl', 'agents', `.room-${context.host.pid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // More than an agent.json takes.
    replaceFile(join(folder, 'room'), ' '.repeat(16_384), { mode: 0o600 });
  } catch (error) {
    throw error instanceof CliError ? error : toFileError(error, 'write', folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const removeAgent = (folder: string): void => rmSync(folder, { recursive: true, force: true });

export function agentLog(folder: string): string {
  try {
    return readFileSync(join(folder, 'agent.log'), 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  } catch {
    return '';
  }
}

export async function stopAgent(context: Context, folder: string): Promise<void> {
  const pid = readAgent(folder)?.pid ?? 0;
  if (pid === 0 || !context.host.signalProcess(pid, 'SIGTERM')) return;
  for (let waited = 0; waited < 10_000 && context.host.signalProcess(pid, 0); waited += 100)
    await context.host.sleep(100, context.signal);
}
