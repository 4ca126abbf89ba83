// Shared code of both logins on another device: waiting with a countdown, and answers of the issuer.

import { type HttpResponse, send } from '../api/transport.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';

/** A failure while waiting that may pass: the network between two polls. */
export function isPassing(error: unknown): boolean {
  return error instanceof CliError && (error.kind === 'network' || error.kind === 'timeout');
}

/**
 * Asks again and again until `ask` gives something, or `endsAt` (milliseconds since the epoch) has come: then
 * undefined. `pauseMs` is asked before each wait. On a terminal a line counts down meanwhile.
 */
export async function pollUntil<T>(
  host: Host,
  endsAt: number,
  pauseMs: () => number,
  ask: () => Promise<T | undefined>,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  const line = countdown(host);
  try {
    for (;;) {
      const left = endsAt - host.now();
      if (left <= 0) return undefined;
      line.show(left);
      await sleepInSteps(host, Math.min(pauseMs(), left), (elapsed) => line.show(left - elapsed), signal);
      const answer = await ask();
      if (answer !== undefined) return answer;
    }
  } finally {
    line.clear();
  }
}

/** A second at a time, so that the countdown moves; elsewhere in one go. */
async function sleepInSteps(
  host: Host,
  ms: number,
  onStep: (elapsedMs: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (!host.stderr.isTty) return host.sleep(ms, signal);
  for (let slept = 0; slept < ms; slept += 1000) {
    await host.sleep(Math.min(1000, ms - slept), signal);
    onStep(Math.min(slept + 1000, ms));
  }
}

interface Countdown {
  show(leftMs: number): void;
  clear(): void;
}

function countdown(host: Host): Countdown {
  if (!host.stderr.isTty || host.env['TERM'] === 'dumb') return { show: () => {}, clear: () => {} };
  let shown = '';
  return {
    show(leftMs) {
      const text = `Waiting for you to sign in, ${minutes(leftMs)} left`;
      if (text !== shown) host.stderr.write(`\r\x1b[2K${text}`);
      shown = text;
    },
    clear() {
      if (shown !== '') host.stderr.write('\r\x1b[2K');
    },
  };
}

/** e.g. `9:05`. */
export function minutes(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

export function timedOut(ms: number): CliError {
  return new CliError('timeout', `Timed out waiting: no sign-in within ${Math.round(ms / 60_000)} minutes`, {
    code: 'auth.login-timeout',
    hint: 'try again with `chainctl auth login --headless`',
  });
}

export function denied(): CliError {
  return new CliError('auth', 'The login was refused: the sign-in was cancelled', {
    code: 'auth.denied',
    hint: 'try again with `chainctl auth login`',
  });
}

export interface JsonAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A small JSON exchange with an issuer. Answers that are no JSON object have an empty body. */
export async function ask(
  host: Host,
  url: string,
  form: Readonly<Record<string, string>> | undefined,
  signal: AbortSignal | undefined,
  timeoutMs = 30_000,
): Promise<JsonAnswer> {
  const response = await send(host, {
    method: form === undefined ? 'GET' : 'POST',
    url,
    headers: {
      accept: 'application/json',
      ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
    timeoutMs,
    maxBytes: 1024 * 1024,
    signal,
  });
  return { status: response.status, body: bodyOf(response) };
}

function bodyOf(response: HttpResponse): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(response.text);
    // An object of unknown members is what the type says.
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // No JSON, no members.
  }
  return {};
}
