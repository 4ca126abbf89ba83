import { type Io, printable } from '../../cli/io.ts';
import type { RequestLogEntry } from '../../local/platform.ts';

/** Returns what writes lines, those of one moment at once: a system call for each would take a tenth of a request. */
export function createLineWriter(write: (text: string) => void): (line: string) => void {
  let waiting = '';
  return (line) => {
    if (waiting === '') {
      setImmediate(() => {
        const text = waiting;
        waiting = '';
        write(text);
      });
    }
    waiting += line;
  };
}

/** One line for one answered request, and below it the stack of a defect if there was one. */
export function requestLine(entry: RequestLogEntry, style: Io['errStyle']): string {
  const words = [
    style.dim(timeOfDay(entry.time)),
    statusColor(entry.status, style)(String(entry.status)),
    entry.method.padEnd(6),
    printable(entry.path),
    ...(entry.operation === undefined ? [] : [style.cyan(entry.operation)]),
    ...(entry.identity === undefined ? [] : [style.dim(`by ${shortId(entry.identity)}`)]),
    style.dim(`${entry.ms < 10 ? entry.ms.toFixed(1) : Math.round(entry.ms)} ms`),
  ];
  const defect = entry.error?.split('\n').map((line) => `    ${style.red(printable(line))}\n`) ?? [];
  return `${words.join(' ')}\n${defect.join('')}`;
}

function statusColor(status: number, style: Io['errStyle']): (text: string) => string {
  if (status >= 500) return style.red;
  if (status >= 400) return style.yellow;
  return style.green;
}

/** Enough of an id to tell callers apart: the start of the root and the whole last part. */
function shortId(uidp: string): string {
  const [root = '', ...rest] = uidp.split('/');
  const last = rest.at(-1);
  return printable(`${root.slice(0, 8)}…${last === undefined ? '' : `/${last}`}`);
}

function timeOfDay(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
