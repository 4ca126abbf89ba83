// Remembers one login in one browser, in memory: forms that were sent, and what is shown once.

import { createHash } from 'node:crypto';
import type { Caller } from './caller.ts';
import type { Went } from './page.ts';

const maxSessions = 500;

export class Session {
  readonly caller: Caller;
  /** Memory of this login, from one visit to the next. */
  readonly memory = new Map<string, unknown>();
  readonly #randomBytes: (count: number) => Uint8Array;
  readonly #sent = new Map<string, Promise<Went>>();
  readonly #kept = new Map<string, unknown>();
  readonly #cached = new Map<string, { readonly until: number; readonly value: Promise<unknown> }>();

  constructor(caller: Caller, randomBytes: (count: number) => Uint8Array) {
    this.caller = caller;
    this.#randomBytes = randomBytes;
  }

  /** Names one sending of the forms of one page. */
  newFormId(): string {
    return Buffer.from(this.#randomBytes(16)).toString('base64url');
  }

  /**
   * Does what a form says, once, however often it is sent: by a double click, by going back, by reloading. Later ones
   * lead to where the first led. A form that was refused may be sent again.
   */
  async once(formId: string, address: string, work: () => Promise<Went>): Promise<Went> {
    const key = createHash('sha256').update(`${formId}\n${address}`).digest('base64url');
    const known = this.#sent.get(key);
    if (known !== undefined) return known;
    const running = work();
    keep(this.#sent, key, running);
    try {
      return await running;
    } catch (error) {
      this.#sent.delete(key);
      throw error;
    }
  }

  /** Keeps something to be taken once; returns what names it. */
  put(value: unknown): string {
    const ticket = Buffer.from(this.#randomBytes(16)).toString('base64url');
    keep(this.#kept, ticket, value);
    return ticket;
  }

  /** Undefined when there is none, or it was taken before. */
  take(ticket: string): unknown {
    const value = this.#kept.get(ticket);
    this.#kept.delete(ticket);
    return value;
  }

  /** An answer that several pages in a row need, for a few seconds and until the next change. */
  cached<T>(key: string, now: number, load: () => Promise<T>): Promise<T> {
    const known = this.#cached.get(key);
    // A key names one kind of answer, so what is stored under it has that type.
    if (known !== undefined && known.until > now) return known.value as Promise<T>;
    const value = load();
    this.#cached.set(key, { until: now + cachedMs, value });
    value.catch(() => this.#cached.delete(key));
    return value;
  }

  forgetAnswers(): void {
    this.#cached.clear();
  }
}

const cachedMs = 5000;

function keep<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= maxSessions) break;
    map.delete(oldest);
  }
}
