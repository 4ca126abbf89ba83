// The questions on a real terminal that take a line. Loaded with the first question only, because it costs what the rest of
// a command does. Guarantees: every way out of a question ends it: Enter, Ctrl-C, Ctrl-D. Ctrl-Z interrupts it only.

import { createPrompt, isEnterKey, useEffect, useKeypress, useState } from '@inquirer/core';
import { printableLines } from '../io.ts';
import {
  cancelled,
  guarded,
  rowsOf,
  streams,
  useBelow,
  useDrawn,
  useEndOfInput,
  useSuspension,
  useTerminalSize,
} from './hooks.ts';
import type { Question } from './question.ts';
import type { TextOptions, Validate } from './text.ts';

export async function confirm(question: Question, signal: AbortSignal): Promise<boolean> {
  const suffix = question.default ? '[Y,n]' : '[y,N]';
  const wrong = (text: string) => (/^(y|yes|n|no|)$/i.test(text) ? undefined : 'Answer y or n');
  const answer = (await text(`${question.message} ${suffix}:`, wrong, {}, signal)).toLowerCase();
  return answer === '' ? question.default : answer.startsWith('y');
}

interface LineConfig extends TextOptions {
  readonly message: string;
  readonly validate: Validate;
}

/** The line typed, without blanks around it; undefined at the end of the input. */
const line = createPrompt<string | undefined, LineConfig>((config, done) => {
  const [value, setValue] = useState('');
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const below = useBelow();
  const drawn = useDrawn();
  const { columns } = useTerminalSize(below, drawn);
  useEndOfInput(() => done(undefined));
  useSuspension(below);
  useEffect((readline) => {
    if (config.initial === undefined) return;
    readline.write(config.initial);
    setValue(config.initial);
  }, []);
  useKeypress(async (key, readline) => {
    if (!isEnterKey(key)) {
      setValue(readline.line);
      setWrong(undefined);
      return;
    }
    // Enter has emptied the line editor; put the text back so that it can be mended.
    readline.write(value);
    const problem = await config.validate(value.trim());
    if (problem === undefined) done(value.trim());
    else setWrong(`${problem} (Ctrl-U starts again)`);
  });
  const content = `${config.message} ${value}`;
  const help = wrong ?? (value === '' ? config.example : undefined);
  const bottom = help === undefined ? '' : `  ${help}`;
  below.current = rowsOf(bottom, columns, columns);
  drawn.current = { content, columns };
  return [content, bottom];
});

export async function text(
  message: string,
  validate: Validate,
  options: TextOptions,
  signal: AbortSignal,
): Promise<string> {
  const asked = printableLines(message);
  const typed = await guarded(() =>
    options.secret ? hidden(asked, validate, signal) : line({ message: asked, validate, ...options }, streams(signal)),
  );
  if (typed === undefined) throw cancelled();
  return typed;
}

/** Stars for what is typed. The library notices neither Ctrl-D, which ends the input, nor that Ctrl-Z pauses it. */
async function hidden(message: string, validate: Validate, signal: AbortSignal): Promise<string | undefined> {
  const { password } = await import('@inquirer/prompts');
  let isBack = false;
  const goOn = () => {
    isBack = true;
  };
  let end: () => void = () => {};
  const ended = new Promise<undefined>((resolve) => {
    end = () => resolve(undefined);
  });
  const pressed = (_text: string, { name, ctrl }: { name?: string; ctrl?: boolean }) => {
    if (ctrl === true && name === 'z') process.stderr.write('\n');
  };
  // Node's readline pauses when the shell continues us, and leaves it to others to go on.
  const paused = () =>
    setImmediate(() => {
      if (!isBack) return end();
      isBack = false;
      process.stderr.write(`${message} `);
      process.stdin.resume();
    });
  process.on('SIGCONT', goOn);
  process.stdin.on('keypress', pressed).on('pause', paused);
  const config = {
    message,
    mask: '*',
    theme: { prefix: '' },
    validate: async (text: string) => (await validate(text.trim())) ?? true,
  };
  try {
    return await Promise.race([password(config, streams(signal)).then((text) => text.trim()), ended]);
  } finally {
    process.off('SIGCONT', goOn);
    process.stdin.off('keypress', pressed).off('pause', paused);
  }
}
