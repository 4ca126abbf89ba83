// Answers of the console: pages in their frame and alone, files, redirects; and the status of a failure.

import type { ComponentChildren } from 'preact';
import type { CallFailure } from './caller.ts';
import { contentPolicy, documentOf, type FrameProps, Message } from './frame.tsx';
import type { Crumb, Sent, Shown, Went } from './page.ts';

export interface ConsoleAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The organization that was looked at, to be remembered. */
  readonly organization?: string;
  /** The browser has ended its login. */
  readonly signedOut?: true;
}

export const bare: Omit<FrameProps, 'title' | 'children'> = {
  crumbs: [],
  menu: [],
  selector: undefined,
  account: undefined,
  notice: undefined,
  dialog: undefined,
};

// Referrers stay on this origin: without them a browser would not say either where a form comes from.
const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': contentPolicy,
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

export function page(status: number, props: FrameProps): ConsoleAnswer {
  return { status, headers: pageHeaders, body: documentOf(props) };
}

/** A page without a frame that says one thing. */
export function messagePage(
  status: number,
  heading: string,
  lines: readonly string[],
  links: readonly Crumb[] = [],
): ConsoleAnswer {
  return alone(status, heading, <Message lines={lines} links={links} />);
}

/** A page without a frame. */
export const alone = (status: number, title: string, children: ComponentChildren): ConsoleAnswer =>
  page(status, { ...bare, title, children });

export function redirect(location: string): ConsoleAnswer {
  const { 'cache-control': cache, 'referrer-policy': referrer } = pageHeaders;
  return { status: 303, headers: { location, 'cache-control': cache, 'referrer-policy': referrer }, body: '' };
}

export function sent({ type, text, fileName, headers }: Sent): ConsoleAnswer {
  const disposition =
    fileName === undefined
      ? {}
      : { 'content-disposition': `attachment; filename="${fileName.replace(/[^\w.-]/g, '_')}"` };
  return { status: 200, headers: { ...pageHeaders, 'content-type': type, ...disposition, ...headers }, body: text };
}

const statuses = {
  invalid: 400,
  refused: 403,
  missing: 404,
  taken: 409,
  'signed-out': 401,
  unreachable: 502,
  failed: 502,
} as const;
export const statusOf = ({ kind }: CallFailure): number => statuses[kind];

const headings = {
  invalid: 'The platform does not accept this',
  refused: 'You may not do this',
  missing: 'It is not there',
  taken: 'It is there already',
  'signed-out': 'You are signed out',
  unreachable: 'The platform does not answer',
  failed: 'The platform has failed',
} as const;
export const headingOf = ({ kind }: CallFailure): string => headings[kind];

/** Returns what an action has shown, where it is no page. */
export const isSent = (shown: Shown | Sent | Went): shown is Sent => 'text' in shown;
export const isWent = (shown: Shown | Sent | Went): shown is Went => 'to' in shown;
