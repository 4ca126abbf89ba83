// Shows a line while an answer is waited for. Guarantees: it is on stderr, on a terminal only, one line, and gone
// before anything else is written.

import type { Host } from '../host.ts';
import type { Style } from './style.ts';

/** Milliseconds before a wait is worth a word, and after which it is worth an advice. */
const patienceMs = 300;
const adviceMs = 10_000;
const frameMs = 100;

const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

export interface Waiting {
  /** Begins a wait; `text` says for what, e.g. `Waiting for 127.0.0.1:8080`. Resolved by calling what is returned. */
  begin(text: string): Wait;
  /** Takes the line away until the next frame: something else is about to be written. */
  clear(): void;
  /** Takes the line away for good: another program has the terminal. */
  stop(): void;
}

export interface Wait {
  /** Says something else from now on. */
  say(text: string): void;
  end(): void;
}

export function createWaiting(host: Host, style: Style): Waiting {
  const { env, stderr } = host;
  if (!stderr.isTty || env['TERM'] === 'dumb')
    return { begin: () => ({ say: () => {}, end: () => {} }), clear: () => {}, stop: () => {} };
  // Whoever reads the screen aloud hears each frame anew.
  const isStill = (env['ACCESSIBLE'] ?? '') !== '';
  const waits = new Map<symbol, { text: string; readonly since: number }>();
  let timer: NodeJS.Timeout | undefined;
  let frame = 0;
  let shown = '';
  let isStopped = false;
  const write = (line: string) => {
    if (line === shown) return;
    stderr.write(`${shown === '' ? '' : '\r\u001b[2K'}${line}`);
    shown = line;
  };
  const draw = () => {
    const [first] = waits.values();
    if (first === undefined || isStopped) return;
    // The first frame comes at 300 ms, whatever the clock says.
    const seconds = Math.floor((host.now() - first.since) / 1000);
    frame += 1;
    const sign = isStill ? '' : `${frames[frame % frames.length]} `;
    const since = seconds >= 2 && !isStill ? `, ${seconds} s` : '';
    const advice =
      seconds * 1000 >= adviceMs ? ': Ctrl-C ends it, `chainctl config validate` looks for the reason' : '';
    write(style.dim(`${sign}${first.text}${since}${advice}`.slice(0, Math.max(20, stderr.columns - 1))));
    timer = setTimeout(draw, frameMs);
    timer.unref();
  };
  const clear = () => write('');
  return {
    begin(text) {
      const key = Symbol(text);
      waits.set(key, { text, since: host.now() });
      if (timer === undefined) {
        timer = setTimeout(draw, patienceMs);
        timer.unref();
      }
      return {
        say: (next) => {
          const wait = waits.get(key);
          if (wait !== undefined) wait.text = next;
        },
        end: () => {
          waits.delete(key);
          if (waits.size > 0) return;
          clearTimeout(timer);
          timer = undefined;
          clear();
        },
      };
    },
    clear,
    stop: () => {
      clear();
      isStopped = true;
    },
  };
}

/** Says what is waited for while this work takes long. */
export async function waitingFor<T>(
  { waiting }: { readonly waiting: Waiting },
  text: string,
  work: Promise<T>,
): Promise<T> {
  const wait = waiting.begin(text);
  try {
    return await work;
  } finally {
    wait.end();
  }
}
