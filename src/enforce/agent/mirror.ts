// Tells the platform about a cluster. Guarantees: what was told once and has not changed is not told again; a platform
// that was away, or that has forgotten, is told everything anew; reports are numbered and never overtake each other; one
// without an answer is sent again as it was, and what changed meanwhile is told after it.

import { randomUUID } from 'node:crypto';

/** Kind and key of each step below the cluster. */
export type Path = readonly (readonly [kind: string, key: string])[];

interface Entry {
  readonly name: string;
  readonly body: object;
  /** The same as text, to see whether it changed. */
  readonly text: string;
}

interface Node {
  readonly path: Path;
  /** Undefined for what was removed, and for what only has something below it. */
  entry: Entry | undefined;
  /** By last step. */
  below: Map<string, Node> | undefined;
}

export interface ReportSink {
  /**
   * `mustRestart` when the platform wants everything from number 1; a reason when it took nothing. Throws when it is not
   * known whether the report was taken.
   */
  report(body: object): Promise<'taken' | 'mustRestart' | { readonly refused: string }>;
}

export interface Facts {
  readonly agentVersion: string;
  readonly version: string;
  /** Profiles that work now. */
  active(): readonly string[];
  /** Returns whether all that is in the cluster was mirrored once: the platform then forgets what a run has not told. */
  isWhole(): boolean;
}

/** A report until it is answered, and what it tells. */
interface Sent {
  readonly body: object;
  readonly entries: readonly (readonly [Node, Entry])[];
  readonly gone: readonly Path[];
  readonly events: readonly object[];
  readonly complete: boolean;
}

const maxChanges = 1000;
const maxEvents = 200;

export class Mirror {
  readonly #root: Node = { path: [], entry: undefined, below: undefined };
  readonly #changed = new Set<Node>();
  readonly #gone = new Map<string, Path>();
  #events: readonly object[] = [];
  #run = '';
  /** Of the last report that was taken. */
  #number = 0;
  #hasCompleted = false;
  #unanswered: Sent | undefined;

  set(path: Path, name: string, body: object): void {
    const text = JSON.stringify([name, body]);
    const node = this.#make(path);
    if (node.entry?.text === text) return;
    node.entry = { name, body, text };
    this.#changed.add(node);
    this.#gone.delete(keyOf(path));
  }

  /** With everything below it. */
  remove(path: Path): void {
    const last = path.at(-1);
    const above = this.#find(path.slice(0, -1))?.below;
    const node = last && above?.get(stepOf(last));
    if (last !== undefined && node !== undefined) {
      above?.delete(stepOf(last));
      for (const each of nodesOf(node)) {
        each.entry = undefined;
        this.#changed.delete(each);
      }
    }
    this.#gone.set(keyOf(path), path);
  }

  has(path: Path): boolean {
    return this.#find(path)?.entry !== undefined;
  }

  tell(event: object): void {
    // The newest are worth more than none when the platform is away for long.
    this.#events = [...this.#events, event].slice(-maxEvents);
  }

  /** Throws what the sink throws; nothing is lost by that. */
  async flush(sink: ReportSink, facts: Facts, seen: readonly Path[]): Promise<void> {
    if (this.#unanswered === undefined && this.#run === '') this.#begin();
    if (this.#unanswered !== undefined && !(await this.#send(sink, this.#unanswered))) this.#begin();
    // A platform that wants a new run is told everything at once; one that wants another is asked again with the next flush.
    for (let restarts = 0; ; ) {
      const isLast = this.#changed.size + this.#gone.size <= maxChanges;
      if (!(await this.#send(sink, this.#next(facts, isLast ? seen.slice(0, maxChanges) : [], isLast)))) {
        if (restarts > 0) throw new Error('the platform takes no new run');
        restarts += 1;
        this.#begin();
      } else if (isLast) return;
    }
  }

  /** A new run, which tells everything. */
  #begin(): void {
    this.#run = randomUUID();
    this.#number = 0;
    this.#hasCompleted = false;
    // In the order of the tree: what is below something comes after it.
    this.#changed.clear();
    for (const node of nodesOf(this.#root)) if (node.entry !== undefined) this.#changed.add(node);
  }

  #next(facts: Facts, seen: readonly Path[], isLast: boolean): Sent {
    const entries = [...this.#changed]
      .slice(0, maxChanges)
      .flatMap((node): [Node, Entry][] => (node.entry === undefined ? [] : [[node, node.entry]]));
    const gone = [...this.#gone.values()].slice(0, maxChanges);
    const complete = isLast && !this.#hasCompleted && facts.isWhole();
    const body = {
      run: this.#run,
      number: this.#number + 1,
      agentVersion: facts.agentVersion,
      version: facts.version,
      active: facts.active(),
      ...(complete ? { complete } : {}),
      upserts: entries.map(([{ path }, { name, body: told }]) => ({ path, name, body: told })),
      removals: gone,
      seen,
      events: this.#events,
    };
    return { body, entries, gone, events: this.#events, complete };
  }

  /** Returns whether it was taken; not, when the platform wants a new run. */
  async #send(sink: ReportSink, sent: Sent): Promise<boolean> {
    this.#unanswered = sent;
    const answer = await sink.report(sent.body);
    this.#unanswered = undefined;
    if (answer === 'mustRestart') return false;
    if (answer !== 'taken') throw new Error(answer.refused);
    this.#number += 1;
    if (sent.complete) this.#hasCompleted = true;
    // Whatever changed since it was sent is still to be told.
    for (const [node, entry] of sent.entries) if (node.entry === entry) this.#changed.delete(node);
    for (const path of sent.gone) if (this.#gone.get(keyOf(path)) === path) this.#gone.delete(keyOf(path));
    this.#events = this.#events.filter((event) => !sent.events.includes(event));
    return true;
  }

  #find(path: Path): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const step of path) node = node?.below?.get(stepOf(step));
    return node;
  }

  #make(path: Path): Node {
    let node = this.#root;
    for (const [at, step] of path.entries()) {
      node.below ??= new Map();
      let next = node.below.get(stepOf(step));
      if (next === undefined) {
        next = { path: at + 1 === path.length ? path : path.slice(0, at + 1), entry: undefined, below: undefined };
        node.below.set(stepOf(step), next);
      }
      node = next;
    }
    return node;
  }
}

function* nodesOf(node: Node): Generator<Node> {
  yield node;
  for (const one of node.below?.values() ?? []) yield* nodesOf(one);
}

const stepOf = ([kind, key]: Path[number]): string => `${kind} ${key}`;
const keyOf = (path: Path): string => path.map(stepOf).join('\n');
