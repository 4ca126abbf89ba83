// Tells the platform about a cluster. Guarantees: what was told once and has not changed is not told again; a platform
// that was away, or that has forgotten, is told everything anew; reports are numbered and never overtake each other.

import { randomUUID } from 'node:crypto';

/** Kind and key of each step below the cluster. */
export type Path = readonly (readonly [kind: string, key: string])[];

interface Entry {
  readonly path: Path;
  readonly name: string;
  readonly body: object;
  /** The same as text, to see whether it changed. */
  readonly text: string;
}

export interface ReportSink {
  /** Throws when the platform cannot be reached. `mustRestart` when it wants everything from number 1. */
  report(body: object): Promise<'taken' | 'mustRestart'>;
}

export interface Facts {
  readonly agentVersion: string;
  readonly version: string;
  /** Profiles that work now. */
  active(): readonly string[];
}

const maxChanges = 1000;
const maxEvents = 200;

export class Mirror {
  private readonly entries = new Map<string, Entry>();
  private readonly changed = new Set<string>();
  private readonly gone = new Map<string, Path>();
  private events: object[] = [];
  private run = '';
  private number = 0;

  set(path: Path, name: string, body: object): void {
    const key = keyOf(path);
    const text = JSON.stringify([name, body]);
    if (this.entries.get(key)?.text === text) return;
    this.entries.set(key, { path, name, body, text });
    this.changed.add(key);
    this.gone.delete(key);
  }

  /** With everything below it. */
  remove(path: Path): void {
    const key = keyOf(path);
    for (const each of this.entries.keys()) {
      if (each !== key && !each.startsWith(`${key}\n`)) continue;
      this.entries.delete(each);
      this.changed.delete(each);
    }
    this.gone.set(key, path);
  }

  has(path: Path): boolean {
    return this.entries.has(keyOf(path));
  }

  tell(event: object): void {
    // The newest are worth more than none when the platform is away for long.
    this.events = [...this.events, event].slice(-maxEvents);
  }

  /** Throws what the sink throws; nothing is lost by that. */
  async flush(sink: ReportSink, facts: Facts, seen: readonly Path[]): Promise<void> {
    if (this.run === '') await this.tellAll(sink, facts);
    while (this.changed.size + this.gone.size > maxChanges) await this.tellSome(sink, facts, []);
    await this.tellSome(sink, facts, seen.slice(0, maxChanges));
  }

  private async tellAll(sink: ReportSink, facts: Facts): Promise<void> {
    const run = randomUUID();
    this.number = 0;
    const all = [...this.entries.keys()];
    const removals = [...this.gone.values()];
    for (let at = 0; at === 0 || at < all.length; at += maxChanges) {
      const keys = all.slice(at, at + maxChanges);
      const complete = at + maxChanges >= all.length;
      this.number += 1;
      const answer = await sink.report({
        ...headOf(run, this.number, facts),
        complete,
        upserts: keys.flatMap((key) => this.entryOf(key)),
      });
      if (answer === 'mustRestart') throw new Error('the platform takes no new run');
    }
    this.run = run;
    for (const key of all) this.changed.delete(key);
    // Changes made during that call are told with the next one.
    for (const path of removals) this.gone.set(keyOf(path), path);
  }

  private async tellSome(sink: ReportSink, facts: Facts, seen: readonly Path[]): Promise<void> {
    const keys = [...this.changed].slice(0, maxChanges);
    const gone = [...this.gone].slice(0, maxChanges);
    const { events } = this;
    const answer = await sink.report({
      ...headOf(this.run, this.number + 1, facts),
      upserts: keys.flatMap((key) => this.entryOf(key)),
      removals: gone.map(([, path]) => path),
      seen,
      events,
    });
    if (answer === 'mustRestart') {
      this.run = '';
      return this.flush(sink, facts, seen);
    }
    this.number += 1;
    for (const key of keys) this.changed.delete(key);
    for (const [key] of gone) this.gone.delete(key);
    this.events = this.events.filter((event) => !events.includes(event));
  }

  private entryOf(key: string): object[] {
    const entry = this.entries.get(key);
    return entry === undefined ? [] : [{ path: entry.path, name: entry.name, body: entry.body }];
  }
}

const keyOf = (path: Path): string => path.map((step) => step.join(' ')).join('\n');

const headOf = (run: string, number: number, { agentVersion, version, active }: Facts) => ({
  run,
  number,
  agentVersion,
  version,
  active: active(),
});
