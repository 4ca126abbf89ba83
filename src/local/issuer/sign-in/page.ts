// The pages of the browser login as text. Guarantees: no scripts and nothing fetched; every value is escaped; usable by
// keyboard, by screen reader, on a narrow screen, in light and in dark.

import { createHash } from 'node:crypto';
import { type Html, html, trustedHtml } from '../../../html.ts';
import { card } from '../../../look.ts';

export interface Page {
  readonly html: string;
  /** Base64 SHA-256 of the one style element, for the page's content security policy. */
  readonly styleDigest: string;
}

/** Somebody to sign in as. */
export interface Choice {
  readonly subject: string;
  readonly name: string | undefined;
  readonly email: string | undefined;
  /** e.g. `owner of example.com`; empty for none, undefined for who has no account yet. */
  readonly roles: string | undefined;
}

/** Client that waits for the sign-in. */
export type Waiting =
  /** `client`: host and port of a program on this machine. */
  | { readonly kind: 'here'; readonly client: string }
  /** The platform's own pages. */
  | { readonly kind: 'console' }
  /** `check`: what the other device shows as well. */
  | { readonly kind: 'elsewhere'; readonly check: string };

export interface SignIn {
  readonly state: string;
  readonly waiting: Waiting;
  readonly audience: readonly string[];
  readonly identity: string | undefined;
  readonly scopes: readonly string[];
  /** When true, an unknown address gets an account at once. */
  readonly register: boolean;
  readonly choices: readonly Choice[];
  readonly problem: string | undefined;
}

const style = `${card}
h2 { margin: 0 0 .625rem; font-size: 1rem; }
dl {
  display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 1rem 0 1.5rem; padding: .75rem 1rem;
  border: 1px solid var(--line); border-radius: .625rem; font-size: .875rem;
}
dt { grid-column: 1; color: var(--quiet); }
dd { grid-column: 2; margin: 0; font-family: ui-monospace, monospace; }
form { margin: 0; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .5rem; }
button, input, .main { font: inherit; color: inherit; border-radius: .625rem; min-height: 2.75rem; }
button { cursor: pointer; }
.person {
  display: flex; align-items: center; gap: .875rem; width: 100%; padding: .625rem .875rem; text-align: left;
  background: transparent; border: 1px solid var(--edge);
}
.person:hover { background: var(--hover); border-color: var(--accent); }
.person > span:last-child { min-width: 0; }
.person strong, .person small { display: block; line-height: 1.35; }
.person strong { font-weight: 600; }
.person small { color: var(--quiet); font-size: .8125rem; }
.initials {
  flex: none; display: grid; place-items: center; width: 2.5rem; height: 2.5rem; border-radius: 50%;
  background: var(--tint); color: var(--accent); font-weight: 600; font-size: .875rem;
}
.other { margin-top: 1.5rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
label { display: block; margin-bottom: .375rem; font-weight: 600; }
.row { display: flex; flex-wrap: wrap; gap: .5rem; }
input { flex: 1 1 12rem; min-width: 0; padding: .5rem .75rem; background: var(--card); border: 1px solid var(--edge); }
.main { padding: .5rem 1.25rem; border: 1px solid transparent; background: var(--accent); color: var(--on-accent); font-weight: 600; }
.main:hover { background: var(--accent-hover); }
a.main { display: block; width: fit-content; text-align: center; text-decoration: none; overflow-wrap: anywhere; }
.check { font-family: ui-monospace, monospace; font-size: 1.5rem; letter-spacing: .1em; }
dl[hidden] { display: none; }
.problem { margin: 0 0 .5rem; color: var(--bad); font-weight: 600; }
footer {
  display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .75rem;
  margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: .875rem;
}
footer p { margin: 0; flex: 1 1 14rem; }
.deny { padding: .375rem .875rem; background: transparent; border: 1px solid var(--edge); }
.deny:hover { background: var(--hover); border-color: var(--quiet); }
@media (max-width: 24rem) {
  .main { flex: 1 1 100%; }
}
`;

const styleDigest = createHash('sha256').update(style).digest('base64');

export function signInPage(signIn: SignIn): Page {
  const { choices, problem, register } = signIn;
  const state = html`<input type="hidden" name="state" value="${signIn.state}">`;
  const facts = [
    ...list('Token for', signIn.audience),
    ...list('Identity', signIn.identity === undefined ? [] : [signIn.identity]),
    ...list('Only in', signIn.scopes),
  ];
  const people = choices.map((choice) => html`<li>${personButton(choice)}</li>`);
  return page(
    'Sign in',
    html`<h1>Sign in</h1>
${waitingText(signIn.waiting)}
<dl${facts.length === 0 ? ' hidden' : ''}>${facts}</dl>
<section aria-labelledby="people">
<h2 id="people">Continue as</h2>
<form method="post" action="/oauth/sign-in">${state}
<ul>
${people}
</ul>
</form>
</section>
<form class="other" method="post" action="/oauth/sign-in">${state}
<label for="email">Another e-mail address</label>
${problemText(problem)}
<div class="row">
<input id="email" name="email" type="email" required maxlength="254" autocomplete="email" aria-describedby="${
      problem === undefined ? 'email-note' : 'problem email-note'
    }"${problem === undefined ? undefined : html` aria-invalid="true" autofocus`}>
<button class="main" type="submit">Continue</button>
</div>
<p class="note" id="email-note">${
      register
        ? 'An account is made if there is none for this address.'
        : 'If there is no account for this address, the program asks what to do.'
    }</p>
</form>
<footer>
<p>A platform for trying things out: it asks for no password.</p>
<form method="post" action="/oauth/sign-in">${state}
<button class="deny" type="submit" name="deny" value="true">Cancel sign-in</button>
</form>
</footer>`,
  );
}

/**
 * Before the browser leaves for an organization's own provider on behalf of another device. By a link: browsers hold
 * what follows a form to the page's policy, and where a provider sends them on to is not known here.
 */
export function leavePage(state: string, waiting: Waiting, provider: string, address: URL): Page {
  return page(
    'Sign in',
    html`<h1>Sign in</h1>
${waitingText(waiting)}
<a class="main" href="${address.href}">Continue with ${provider}</a>
<footer>
<p>You are sent to the sign-in page of your organization, at ${address.host}.</p>
<form method="post" action="/oauth/leave"><input type="hidden" name="state" value="${state}">
<button class="deny" type="submit">Cancel sign-in</button>
</form>
</footer>`,
  );
}

/** Returns where the owner shows that the platform is theirs. `next`: the path to go on to. */
export function codePage(next: string, problem: string | undefined): Page {
  return page(
    'Sign in',
    html`<h1>Is this your platform?</h1>
<p>It asks for no password, so it wants a code first that only its owner can read. Your terminal shows it:</p>
<pre><code>chainctl local env | grep CODE</code></pre>
<form method="post" action="/oauth/code">
<input type="hidden" name="next" value="${next}">
<label for="code">Code</label>
${problemText(problem)}
<div class="row">
<input id="code" name="code" type="password" required maxlength="100" autocomplete="off" spellcheck="false"${invalidAttributes(problem)} autofocus>
<button class="main" type="submit">Continue</button>
</div>
</form>
<p class="note">This browser is asked once. For a platform in a folder of its own, add its --data-dir.</p>`,
  );
}

/** Returns where a person types the code that another device shows. */
export function activatePage(userCode: string, problem: string | undefined): Page {
  return page(
    'Connect a device',
    html`<h1>Connect a device</h1>
<p>A program on another device shows a code of eight letters.</p>
<form method="post" action="/activate">
<label for="code">Code</label>
${problemText(problem)}
<div class="row">
<input id="code" name="user_code" required maxlength="20" autocomplete="off" autocapitalize="characters" spellcheck="false" value="${userCode}"${invalidAttributes(problem)} autofocus>
<button class="main" type="submit">Continue</button>
</div>
</form>
<p class="note">Only go on if you started this yourself. Nobody who asks you for such a code means well.</p>`,
  );
}

export function finishedPage(isDenied: boolean): Page {
  return isDenied
    ? page(
        'Cancelled',
        html`<h1>The sign-in was cancelled</h1>
<p>The other device is told so.</p>`,
      )
    : page(
        'Signed in',
        html`<h1>You are signed in</h1>
<p>Go back to the other device: it goes on by itself.</p>
<p class="note">You can close this page.</p>`,
      );
}

function waitingText(waiting: Waiting): Html {
  if (waiting.kind === 'here') {
    return html`<p>A program on this machine, at <strong>${waiting.client}</strong>, waits for you to sign in.</p>`;
  }
  if (waiting.kind === 'console') return html`<p>You go on to the <strong>console</strong> of this platform.</p>`;
  return html`<p>A program on another device waits for you to sign in. Only go on if you started it yourself and it shows this:</p>
<p class="check"><strong>${waiting.check}</strong></p>`;
}

export function errorPage(heading: string, lines: readonly string[]): Page {
  const text = lines.map((line) => html`<p>${line}</p>`);
  return page(
    heading,
    html`<h1>${heading}</h1>
${text}
<p class="note">You can close this page.</p>`,
  );
}

function page(title: string, body: Html): Page {
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} – chainctl local platform</title>
<style>${trustedHtml(style)}</style>
</head>
<body>
<main>
<p class="brand"><b>chainctl</b> local platform</p>
${body}
</main>
</body>
</html>
`;
  return { html: text, styleDigest };
}

function personButton(choice: Choice): Html {
  const { subject, name, email, roles } = choice;
  const title = name ?? email ?? subject;
  const details = [email === title ? undefined : email, roles === undefined ? 'no account yet' : roles].filter(Boolean);
  return html`<button class="person" type="submit" name="subject" value="${subject}">
<span class="initials" aria-hidden="true">${initialsOf(title)}</span>
<span><strong>${title}</strong>${details.map((detail) => html` <small>${detail}</small>`)}</span>
</button>`;
}

function problemText(problem: string | undefined): Html | undefined {
  return problem === undefined ? undefined : html`<p class="problem" id="problem" role="alert">${problem}</p>`;
}

function invalidAttributes(problem: string | undefined): Html | undefined {
  return problem === undefined ? undefined : html` aria-invalid="true" aria-describedby="problem"`;
}

function initialsOf(title: string): string {
  const words = title.split(/[\s@._-]+/).filter((word) => word !== '');
  return words
    .slice(0, 2)
    .map((word) => Array.from(word)[0] ?? '')
    .join('')
    .toUpperCase();
}

function list(label: string, values: readonly string[]): Html[] {
  if (values.length === 0) return [];
  return [html`<dt>${label}</dt>`, ...values.map((value) => html`<dd>${value}</dd>`)];
}
