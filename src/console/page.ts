// Defines a page of the console: a folder of `pages/` whose `page.tsx` exports one by default.

import type { ComponentChildren, VNode } from 'preact';
import type { Holding } from '../access/authority.ts';
import type { IamGroup } from '../api/schema/types/iam.gen.ts';
import type { Caller } from './caller.ts';
import type { CloudSetup } from './clouds.ts';
import type { Form } from './form.ts';

/** Addresses that pages show. */
export interface PlatformAddresses {
  readonly api: string;
  readonly issuer: string;
  readonly registry: string;
}

/** Somebody looks at a page. */
export interface Visit {
  readonly caller: Caller;
  readonly platform: PlatformAddresses;
  readonly me: { readonly id: string; readonly name: string; readonly holdings: readonly Holding[] };
  /** Organizations the caller sees, by name. */
  readonly organizations: readonly Group[];
  /** The one the page is about. On a page of the account: the one that was looked at last, or an empty one. */
  readonly organization: Group;
  /** It and its folders, sorted by path. */
  readonly places: readonly Place[];
  /** Pages of the navigation that the caller may use, in its order. */
  readonly offered: readonly PageFacts[];
  readonly query: URLSearchParams;
  /** Address of the page whose lists are shown: where their filters and orders lead. */
  readonly here: string;
  readonly clouds: CloudSetup;
  /** Of this console, as the browser calls it. */
  readonly origin: string;
  /** Memory of this login, from one visit to the next; it ends with the login. */
  readonly memory: Map<string, unknown>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly randomBytes: (count: number) => Uint8Array;
  /**
   * Returns whether the caller may, at the organization or at this place. Only decides what is shown: the platform
   * decides.
   */
  may(capability: string, place?: string): boolean;
  /** Returns whether the caller may anywhere in the organization. */
  mayAnywhere(capability: string): boolean;
  /** The address of a page in this organization; `page` as its `path`, then the action. */
  href(page: string, action?: string, query?: Readonly<Record<string, string | undefined>>): string;
  /** Keeps something for the page that is gone to; returns what `take` wants. */
  put(value: unknown): string;
  take(ticket: string): unknown;
  /** Returns where an invite is accepted by its code, by signing in; undefined where a browser cannot sign in. */
  readonly acceptAddress: ((code: string) => string) | undefined;
}

export type Group = IamGroup & { readonly id: string; readonly name: string };

export interface Place {
  readonly id: string;
  /** Names from the organization down, with ` / ` between them. */
  readonly name: string;
}

/** Content of a page. */
export interface Shown {
  readonly body: ComponentChildren;
  /** Over the page, e.g. a form of it. */
  readonly dialog?: VNode | undefined;
  /** Said first in the title of the window; the page's title stands behind it. */
  readonly title?: string;
  /** Between the page's own crumb and the end. */
  readonly crumbs?: readonly Crumb[];
  readonly status?: number;
}

export interface Crumb {
  readonly title: string;
  readonly href?: string;
}

/** Redirect after a form that was done. */
export interface Went {
  readonly to: string;
  /** One sentence that the next page says. */
  readonly notice?: string;
  /** The caller may have been granted something by it. */
  readonly renews?: true;
}

/** Something besides a page: a file, or lines for a script of ours. */
export interface Sent {
  readonly type: string;
  readonly text: string;
  /** It is offered as a file of this name. */
  readonly fileName?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Action {
  /** Answers GET, and a form that was refused; a redirect where a GET changes nothing. Throws CallFailure. */
  readonly show?: (visit: Visit, form: Form) => Promise<Shown | Sent | Went> | Shown | Sent | Went;
  /**
   * Answers a form that changes nothing: a preview, a test. Undefined leaves it to `submit`. Nothing of the form or the
   * answer is kept. Throws FormProblem or CallFailure, which are shown in the form.
   */
  readonly look?: (visit: Visit, form: Form) => Promise<Shown | undefined>;
  /** Does what a form says. Throws FormProblem or CallFailure, which are shown in the form. */
  readonly submit?: (visit: Visit, form: Form) => Promise<Went>;
}

/** Facts of a page, without its code. */
export interface PageFacts {
  /** Below an organization, e.g. `settings/pull-tokens`; unique. */
  readonly path: string;
  readonly title: string;
  /** Position in the navigation; left out, it is in none. Smaller numbers first. */
  readonly menu?: number;
  /** It is only offered to who has one of these somewhere in the organization. */
  readonly needs?: readonly string[];
  /** One sentence for lists of pages. */
  readonly about?: string;
  /** It is about the caller's account: its address names no organization. */
  readonly isOfAccount?: true;
}

/** By the last part of the address; '' for the page itself. */
type Actions = Readonly<Record<string, Action>>;

export interface PageDefinition extends PageFacts {
  readonly actions: Actions;
}

/** A page in the list that is generated: its code is loaded when somebody looks. */
export interface PageEntry extends PageFacts {
  /** Names of its actions. */
  readonly actions: readonly string[];
  readonly load: () => Promise<Actions>;
}

export const definePage = (page: PageDefinition): PageDefinition => page;
