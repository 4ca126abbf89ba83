// The document around every page: head, navigation, selector, crumbs.

import { createHash } from 'node:crypto';
import type { ComponentChildren, VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { palette } from '../look.ts';
import { style as ownStyle, script } from './look/look.gen.ts';
import type { Crumb, Group } from './page.ts';

// Both stand in the page as they are: constants of ours, which the policy names by their digests.
const style = `${palette}${ownStyle}`;
const digestOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/**
 * One style and one script, both ours to the letter, and nothing else: no other file, frame, image or address, and forms lead
 * to this server only.
 */
export const contentPolicy = [
  "default-src 'none'",
  `style-src ${digestOf(style)}`,
  `script-src ${digestOf(script)}`,
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

export interface MenuEntry {
  readonly title: string;
  readonly href: string;
  readonly isHere: boolean;
  /** Shown below it while one is there. */
  readonly children: readonly MenuEntry[];
}

export interface FrameProps {
  readonly title: string;
  readonly crumbs: readonly Crumb[];
  readonly menu: readonly MenuEntry[];
  readonly selector: Selector | undefined;
  readonly account: Account | undefined;
  readonly notice: string | undefined;
  readonly dialog: VNode | undefined;
  readonly children: ComponentChildren;
}

export interface Selector {
  readonly action: string;
  readonly organizations: readonly Group[];
  readonly chosen: string;
  /** The page to go to in the other organization. */
  readonly page: string;
}

export interface Account {
  readonly name: string;
  /** Undefined where a login is not the browser's to end. */
  readonly signOut: string | undefined;
  readonly formId: string;
}

/** Returns the whole document. */
export const documentOf = (props: FrameProps): string => `<!doctype html>${renderToString(<Document {...props} />)}`;

function Document(props: FrameProps) {
  const { title, crumbs, menu, selector, account, notice, dialog, children } = props;
  const heading = crumbs.at(-1)?.title ?? title;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>{`${title} – chainctl console`}</title>
        <style dangerouslySetInnerHTML={{ __html: style }} />
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the page
        </a>
        <header class="bar">
          <p class="brand">
            <b>chainctl</b> console
          </p>
          {selector !== undefined && <SelectorForm {...selector} />}
          {account !== undefined && <AccountBox {...account} />}
        </header>
        <div class="columns">
          {menu.length > 0 && (
            <nav class="menu" aria-label="Pages">
              <Menu entries={menu} />
            </nav>
          )}
          <main id="main" tabIndex={-1}>
            {crumbs.length > 1 && (
              <nav class="crumbs" aria-label="You are here">
                <ol>
                  {crumbs.map(({ title, href }, at) => (
                    <li key={title}>
                      {href === undefined || at === crumbs.length - 1 ? (
                        <span aria-current={at === crumbs.length - 1 ? 'page' : undefined}>{title}</span>
                      ) : (
                        <a href={href}>{title}</a>
                      )}
                    </li>
                  ))}
                </ol>
              </nav>
            )}
            {notice !== undefined && (
              <p class="notice" role="status">
                {notice}
              </p>
            )}
            <h1>{heading}</h1>
            {children}
          </main>
        </div>
        {dialog}
        <script dangerouslySetInnerHTML={{ __html: script }} />
      </body>
    </html>
  );
}

function Menu({ entries }: { readonly entries: readonly MenuEntry[] }) {
  return (
    <ul>
      {entries.map(({ title, href, isHere, children }) => (
        <li key={href}>
          <a href={href} aria-current={isHere ? 'page' : undefined}>
            {title}
          </a>
          {children.length > 0 && <Menu entries={children} />}
        </li>
      ))}
    </ul>
  );
}

function SelectorForm({ action, organizations, chosen, page }: Selector) {
  return (
    <form method="get" action={action} class="selector">
      <label for="organization">Organization</label>
      <select id="organization" name="organization" data-submit>
        {organizations.map(({ id, name }) => (
          <option key={id} value={id} selected={id === chosen}>
            {name}
          </option>
        ))}
      </select>
      <input type="hidden" name="page" value={page} />
      <button type="submit" class="small">
        Switch
      </button>
    </form>
  );
}

function AccountBox({ name, signOut, formId }: Account) {
  return (
    <div class="account">
      <span class="who">{name}</span>
      {signOut !== undefined && (
        <form method="post" action={signOut}>
          <input type="hidden" name="form" value={formId} />
          <button type="submit" class="small">
            Sign out
          </button>
        </form>
      )}
    </div>
  );
}

/** A page of its own that says one thing, inside the frame or without one. */
export function Message({
  lines,
  links = [],
}: {
  readonly lines: readonly string[];
  readonly links?: readonly Crumb[];
}) {
  return (
    <div class="told">
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {links.map(({ title, href }) => (
        <p key={title}>
          <a class="button" href={href ?? '.'}>
            {title}
          </a>
        </p>
      ))}
    </div>
  );
}
