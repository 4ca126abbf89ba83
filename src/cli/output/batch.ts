import type { Io } from '../io.ts';

/** Characters written in one call: a call for each item costs more than making its text. */
const most = 64 * 1024;

/**
 * Writes that are gathered while they come faster than anybody reads them. The first is written at once and the others no
 * later than everything that has arrived with them, so nobody waits for what is already here.
 */
export class Batch {
  private text = '';
  private scheduled = false;
  private started = false;
  private failure: unknown;

  constructor(private readonly io: Io) {}

  out(text: string): void {
    if (this.failure !== undefined) throw this.failure;
    this.text += text;
    if (!this.started || this.text.length >= most) {
      this.flush();
      return;
    }
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      try {
        this.flush();
      } catch (error) {
        // A reader that has gone: told to whoever writes next.
        this.failure = error;
      }
    });
  }

  flush(): void {
    if (this.failure !== undefined) throw this.failure;
    const { text } = this;
    if (text === '') return;
    this.started = true;
    this.text = '';
    this.io.out(text);
  }
}

/** Runs the work and writes what is left, also when it fails half-way: what came before stands. */
export async function batched(io: Io, work: (batch: Batch) => Promise<void>): Promise<void> {
  const batch = new Batch(io);
  try {
    await work(batch);
  } finally {
    batch.flush();
  }
}
