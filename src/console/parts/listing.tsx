// Lists: filtered, sorted and paged on the server, by the query of the address. Guarantees: a page of a list costs the
// browser no more than 25 rows, however long the list is; without scripts everything works by links and one form.

import type { ComponentChildren } from 'preact';

export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => ComponentChildren;
  /** Sort key; a column without one cannot be sorted by. */
  readonly order?: (row: T) => string | number | undefined;
  /** Its name in the address; the head in small letters unless given. */
  readonly key?: string;
  readonly isNumber?: true;
  /** It names the row. */
  readonly isName?: true;
}

export interface ListingProps<T> {
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  /** Text that the filter looks into. */
  readonly text: (row: T) => string;
  readonly query: URLSearchParams;
  /** Address of the page that shows it, where that is not the one that was asked for. */
  readonly at?: string;
  /** Plural noun of the list, e.g. `pull tokens`. */
  readonly label: string;
  /** Said when there are none at all. */
  readonly empty: ComponentChildren;
  readonly rowId?: (row: T) => string | undefined;
  /** `-` in front for descending. */
  readonly initialSort?: string;
  /** Further fields of the filter form. */
  readonly filters?: ComponentChildren;
  /** Names of those fields. */
  readonly filterNames?: readonly string[];
  /** Names in the address that say what the page is of: filters, orders and pages keep them. */
  readonly kept?: readonly string[];
  /** Prefix of its names in the address, where a page has several lists. */
  readonly prefix?: string;
}

const rowsOfPage = 25;

export function Listing<T>(props: ListingProps<T>) {
  const {
    rows,
    columns,
    text,
    query,
    label,
    empty,
    rowId,
    filters,
    filterNames = [],
    kept = [],
    prefix = '',
    at,
  } = props;
  const [filterName, sortName, pageName] = [`${prefix}q`, `${prefix}sort`, `${prefix}page`];
  const filter = (query.get(filterName) ?? '').trim();
  const sort = query.get(sortName) ?? props.initialSort ?? '';
  const fields = [filterName, sortName, ...filterNames, ...kept];
  const address = (changes: Readonly<Record<string, string>>): string => {
    const next = new URLSearchParams();
    for (const name of fields) {
      const value = changes[name] ?? query.get(name) ?? '';
      if (value !== '') next.set(name, value);
    }
    if (changes[pageName] !== undefined && changes[pageName] !== '1') next.set(pageName, changes[pageName]);
    return `${at ?? ''}?${next}`;
  };
  const words = filter.toLowerCase().split(/\s+/);
  const found = filter === '' ? rows : rows.filter((row) => hasAll(text(row).toLowerCase(), words));
  const sorted = sortedBy(found, columns, sort);
  const pages = Math.max(1, Math.ceil(sorted.length / rowsOfPage));
  const page = Math.min(pages, Math.max(1, Math.floor(Number(query.get(pageName) ?? '1')) || 1));
  const first = (page - 1) * rowsOfPage;
  const shown = sorted.slice(first, first + rowsOfPage);
  const isShort = rows.length <= 5 && filter === '' && filters === undefined;
  return (
    <div class="listing">
      {!isShort && (
        <search aria-label={`Filter ${label}`}>
          <form method="get" action={at} class="filter">
            {sort !== (props.initialSort ?? '') && <input type="hidden" name={sortName} value={sort} />}
            {kept.map((name) => (
              <input type="hidden" name={name} value={query.get(name) ?? ''} key={name} />
            ))}
            <label for={filterName}>Filter</label>
            <input
              id={filterName}
              type="search"
              name={filterName}
              value={filter}
              autocomplete="off"
              spellcheck={false}
            />
            {filters}
            <button type="submit">Apply</button>
            {filter !== '' && (
              <a class="button" href={address({ [filterName]: '' })}>
                Clear
              </a>
            )}
          </form>
        </search>
      )}
      {rows.length === 0 ? (
        <div class="empty">{empty}</div>
      ) : shown.length === 0 ? (
        <p class="empty" role="status">
          None of the {rows.length} {label} has “{filter}”.
        </p>
      ) : (
        <Table
          rows={shown}
          columns={columns}
          label={label}
          rowId={rowId}
          sort={sort}
          address={(order) => address({ [sortName]: order })}
        />
      )}
      {pages > 1 && (
        <nav class="pages" aria-label={`Pages of ${label}`}>
          {page > 1 && (
            <a class="button" rel="prev" href={address({ [pageName]: String(page - 1) })}>
              Previous
            </a>
          )}
          <span>
            {first + 1}–{first + shown.length} of {sorted.length}
          </span>
          {page < pages && (
            <a class="button" rel="next" href={address({ [pageName]: String(page + 1) })}>
              Next
            </a>
          )}
        </nav>
      )}
    </div>
  );
}

interface TableProps<T> {
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly label: string;
  readonly rowId?: ((row: T) => string | undefined) | undefined;
  readonly sort?: string;
  /** Address of a head; without it no column can be sorted by. */
  readonly address?: (sort: string) => string;
}

/** All of these rows. The roles keep it a table where the style shows cards. */
export function Table<T>({ rows, columns, label, rowId, sort = '', address }: TableProps<T>) {
  return (
    <div class="table">
      <table role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <Head key={column.head} column={column} sort={sort} address={address} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr role="row" id={rowId?.(row)} key={rowId?.(row)}>
              {columns.map(({ head, cell, isNumber, isName }) =>
                isName ? (
                  <th scope="row" role="rowheader" data-head={head} key={head}>
                    {cell(row)}
                  </th>
                ) : (
                  <td role="cell" data-head={head} class={isNumber ? 'number' : undefined} key={head}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadProps<T> {
  readonly column: Column<T>;
  readonly sort: string;
  readonly address: ((sort: string) => string) | undefined;
}

function Head<T>({ column, sort, address }: HeadProps<T>) {
  const { head, order, isNumber } = column;
  const key = keyOf(column);
  if (order === undefined || address === undefined) {
    return (
      <th scope="col" role="columnheader" class={isNumber ? 'number' : undefined}>
        {head === '' ? <span class="unseen">Actions</span> : head}
      </th>
    );
  }
  const direction = sort === key ? 'ascending' : sort === `-${key}` ? 'descending' : undefined;
  return (
    <th scope="col" role="columnheader" class={isNumber ? 'number' : undefined} aria-sort={direction}>
      <a href={address(direction === 'ascending' ? `-${key}` : key)}>
        {head}
        <span aria-hidden="true">{direction === 'ascending' ? ' ▲' : direction === 'descending' ? ' ▼' : ''}</span>
      </a>
    </th>
  );
}

const keyOf = <T,>({ key, head }: Column<T>): string => key ?? head.toLowerCase().replaceAll(' ', '-');

const hasAll = (text: string, words: readonly string[]): boolean => words.every((word) => text.includes(word));

function sortedBy<T>(rows: readonly T[], columns: readonly Column<T>[], sort: string): readonly T[] {
  const column = columns.find((each) => each.order !== undefined && keyOf(each) === sort.replace(/^-/, ''));
  const order = column?.order;
  if (order === undefined) return rows;
  const sign = sort.startsWith('-') ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: order(row) }));
  // A missing value comes last, whatever the direction.
  keyed.sort((a, b) => {
    if (a.key === undefined || b.key === undefined) return a.key === b.key ? 0 : a.key === undefined ? 1 : -1;
    if (typeof a.key === 'number' && typeof b.key === 'number') return sign * (a.key - b.key);
    return sign * compare(String(a.key), String(b.key));
  });
  return keyed.map(({ row }) => row);
}

const { compare } = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
