// The audit log, which only the local platform has (src/local/audit/routes.ts).

import type { ApiClient } from '../../../api/client.ts';
import type { Context } from '../../../cli/context.ts';
import { defineView } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean, duration } from '../../../cli/inputs/values.ts';
import { sinceCell } from '../../../cli/output/age.ts';
import { placeName } from '../../iam/access/facts.ts';
import { ask } from '../feed.ts';

export interface AuditRecord {
  readonly id: string;
  readonly time: string;
  readonly kind: 'call' | 'exchange' | 'sign-in';
  readonly operation: string;
  readonly identity?: string;
  /** As it was called then. */
  readonly who: string;
  /** UIDP. */
  readonly place: string;
  readonly outcome: 'done' | 'refused' | 'failed';
  /** The roles that allowed it, for what it was refused, or how it failed. */
  readonly because: string;
  /** Reads that are alike are one record. */
  readonly times: number;
}

/** A record with the name of its place. */
export interface ShownRecord {
  readonly record: AuditRecord;
  readonly location: string;
}

export interface AuditFilter {
  readonly group: string;
  /** RFC 3339. */
  readonly since?: string | undefined;
  readonly refused: boolean;
}

interface Page {
  readonly items?: readonly AuditRecord[];
  readonly nextPageToken?: string;
  readonly newest?: string;
}

const pageOf = async (api: ApiClient, filter: AuditFilter, more: Readonly<Record<string, string>>): Promise<Page> => {
  const query = new URLSearchParams({ group: filter.group, page_size: '500', ...more });
  if (filter.since !== undefined) query.set('since', filter.since);
  if (filter.refused) query.set('refused', 'true');
  return (await ask(api, 'GET', `/local/v1/audit?${query}`, 'local.v1.Audit.List', filter.group)) as Page;
};

/** Newest first. */
export async function* listRecords(api: ApiClient, filter: AuditFilter): AsyncGenerator<AuditRecord> {
  let token = '';
  do {
    const page = await pageOf(api, filter, token === '' ? {} : { page_token: token });
    yield* page.items ?? [];
    token = page.nextPageToken ?? '';
  } while (token !== '');
}

/** Yields what comes from now on, and what came `since`; oldest first, until interrupted. */
export async function* followRecords(
  api: ApiClient,
  filter: AuditFilter,
  pause: () => Promise<void>,
): AsyncGenerator<AuditRecord> {
  const { since, ...rest } = filter;
  let after = since === undefined ? ((await pageOf(api, rest, { page_size: '1' })).newest ?? '0') : '0';
  for (;;) {
    const page = await pageOf(api, after === '0' ? filter : rest, { after });
    for (const record of page.items ?? []) {
      yield record;
      after = record.id;
    }
    if ((page.items ?? []).length === 0) await pause();
  }
}

export const auditInputs = {
  parent: {
    kind: group,
    aliases: ['group'],
    required: true,
    config: 'default.group',
    help: 'Organization or folder; what happened below it is there as well.',
    question: 'What happened where?',
  },
  since: { kind: duration(), help: 'How far back, such as "1h".' },
  refused: { kind: boolean, help: 'Only what was refused.' },
} as const;

export interface AuditInput {
  readonly parent: { readonly id: string };
  /** Milliseconds. */
  readonly since: number | undefined;
  readonly refused: boolean;
}

export const filterOf = ({ host }: Context, { parent, since, refused }: AuditInput): AuditFilter => ({
  group: parent.id,
  refused,
  ...(since === undefined ? {} : { since: new Date(host.now() - since).toISOString() }),
});

export const shownRecord = async (context: Context, record: AuditRecord): Promise<ShownRecord> => ({
  record,
  location: record.place === record.identity ? record.who : await placeName(context, record.place),
});

const stateOf = ({ record: { outcome } }: ShownRecord) =>
  outcome === 'done' ? undefined : outcome === 'refused' ? 'fail' : 'warn';

export const auditView = defineView<ShownRecord>({
  id: ({ record }) => record.id,
  columns: [
    { head: 'TIME', value: ({ record }, cell) => sinceCell(record.time, cell) },
    { head: 'WHO', value: ({ record }) => record.who },
    {
      head: 'WHAT',
      value: ({ record }) => `${record.operation}${record.times > 1 ? ` (${record.times} times)` : ''}`,
    },
    { head: 'LOCATION', rank: 1, value: ({ location }) => location },
    { head: 'OUTCOME', state: stateOf, value: ({ record }) => record.outcome },
    { head: 'BECAUSE', rank: 2, value: ({ record }) => record.because },
    { head: 'KIND', wide: true, value: ({ record }) => record.kind },
    { head: 'PLACE', id: true, wide: true, value: ({ record }) => record.place },
    { head: 'IDENTITY', id: true, wide: true, value: ({ record }) => record.identity },
    { head: 'ID', wide: true, value: ({ record }) => record.id },
  ],
  json: ({ record, location }) => ({ ...record, location }),
  envelope: 'items',
  empty: 'Nothing is recorded.',
});

/** The same as lines, as they come. */
export const followedView = defineView<ShownRecord>({
  text: ({ record, location }) =>
    `${record.time}  ${record.outcome.padEnd(7)}  ${record.who}  ${record.operation}  ${location}${record.because && `  ${record.because}`}\n`,
  json: ({ record, location }) => ({ ...record, location }),
  envelope: 'lines',
});
