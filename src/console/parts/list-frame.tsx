// The frame of a page that lists something: what it is, a way to create one, the list, and what can be done with each
// row. Guarantees: what is opened from a list leads back to the same rows of it.

import type { ComponentChildren } from 'preact';
import type { Visit } from '../page.ts';
import { type Column, Listing, type ListingProps } from './listing.tsx';

export interface RowAction {
  readonly title: string;
  /** Name of the row, for a screen reader. */
  readonly of: string;
  readonly href: string;
}

export interface ListFrameProps<T> extends Omit<ListingProps<T>, 'query' | 'at'> {
  readonly visit: Visit;
  /** One sentence on what is listed. */
  readonly about?: ComponentChildren;
  /** Heading of one of several lists of a page. */
  readonly title?: string;
  /** The button that leads to a form; left out for who may not use it. */
  readonly create?: { readonly title: string; readonly href: string; readonly id: string } | undefined;
  /** Actions on a row that the viewer may do. */
  readonly actions?: (row: T) => readonly RowAction[];
}

export function ListFrame<T>(props: ListFrameProps<T>) {
  const { visit, about, title, create, actions, columns, label, ...rest } = props;
  const all: readonly Column<T>[] =
    actions === undefined ? columns : [...columns, { head: '', cell: (row) => <Actions actions={actions(row)} /> }];
  const id = label.replaceAll(' ', '-');
  const list = (
    <>
      {(about !== undefined || create !== undefined || title !== undefined) && (
        <div class="top">
          {title !== undefined && <h2 id={id}>{title}</h2>}
          {about !== undefined && <p>{about}</p>}
          {create !== undefined && (
            <a class="button main" id={create.id} href={create.href}>
              {create.title}
            </a>
          )}
        </div>
      )}
      <Listing {...rest} columns={all} label={label} query={visit.query} at={visit.here} />
    </>
  );
  return title === undefined ? list : <section aria-labelledby={id}>{list}</section>;
}

function Actions({ actions }: { readonly actions: readonly RowAction[] }) {
  if (actions.length === 0) return null;
  return (
    <span class="actions">
      {actions.map(({ title, of, href }) => (
        <a class="button small" href={href} key={title}>
          {title}
          <span class="unseen"> {of}</span>
        </a>
      ))}
    </span>
  );
}

/** Names in an address that say which rows of a list are shown: its filter, order and page. */
const ofList = /^(?:[a-z]+-)?(?:q|sort|page|kind|state)$/;

/** The rows of the list that is looked at, as a query. */
export function rowsShown({ query }: Visit): Readonly<Record<string, string>> {
  return Object.fromEntries([...query].filter(([name, value]) => ofList.test(name) && value !== ''));
}
