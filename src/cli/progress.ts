import type { Context } from './context.ts';

/** Milliseconds before a wait is worth a word. */
const patience = 500;

/** Says what is waited for, on a terminal and only while it takes long; the line is gone before anything else is written. */
export async function withProgress<T>({ host, io }: Context, text: string, work: Promise<T>): Promise<T> {
  if (!host.stderr.isTty || host.env['TERM'] === 'dumb') return work;
  let isShown = false;
  const timer = setTimeout(() => {
    isShown = true;
    host.stderr.write(io.errStyle.dim(text));
  }, patience);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    if (isShown) host.stderr.write('\r\u001b[2K');
  }
}
