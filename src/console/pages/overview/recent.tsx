// Recent events of an organization. A platform tells them beside its API, to callers who may give roles there.

import { CallFailure } from '../../caller.ts';
import type { Visit } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
import { Table } from '../../parts/listing.tsx';
import { When } from '../../parts/time.tsx';

/** As the audit log has it. */
export interface AuditRecord {
  readonly id: string;
  readonly time: string;
  readonly operation: string;
  readonly who: string;
  /** UIDP. */
  readonly place: string;
  readonly outcome: 'done' | 'refused' | 'failed';
}

/** So many are asked for, because most are reads, which are left out. */
const asked = 500;
const shown = 8;

/** Reads that went well are no events. */
const isRead = ({ operation, outcome }: AuditRecord): boolean =>
  outcome === 'done' && /\.(List|Get|Lookup|Validate|Check|Find|Listen|Count)\w*$/.test(operation);

/** Returns the newest first; undefined where the platform has no log, or not for this caller. */
export async function recentOf(visit: Visit): Promise<readonly AuditRecord[] | undefined> {
  if (!visit.may('role_bindings.create')) return undefined;
  const query = new URLSearchParams({ group: visit.organization.id, page_size: String(asked) });
  try {
    const { items = [] } = (await visit.caller.beside('GET', `/local/v1/audit?${query}`)) as {
      items?: readonly AuditRecord[];
    };
    return items.filter((record) => !isRead(record)).slice(0, shown);
  } catch (error) {
    if (error instanceof CallFailure && error.kind !== 'signed-out') return undefined;
    throw error;
  }
}

const looks = { done: 'good', refused: 'bad', failed: 'warn' } as const;

export function Recent({ visit, records }: { readonly visit: Visit; readonly records: readonly AuditRecord[] }) {
  const placeName = (id: string) => visit.places.find((place) => place.id === id)?.name ?? '';
  return (
    <section aria-labelledby="recent">
      <h2 id="recent">Recent events</h2>
      {records.length === 0 ? (
        <p class="empty">Nothing has been changed lately.</p>
      ) : (
        <Table
          rows={records}
          label="recent events"
          columns={[
            { head: 'What', isName: true, cell: ({ operation }) => wordsOf(operation) },
            { head: 'Who', cell: ({ who }) => who },
            { head: 'Where', cell: ({ place }) => placeName(place) },
            { head: 'Outcome', cell: ({ outcome }) => <span class={`badge ${looks[outcome]}`}>{outcome}</span> },
            { head: 'When', cell: ({ time }) => <When time={time} now={visit.now} /> },
          ]}
        />
      )}
      <SameCommand words={['events', 'audit', 'list', `--parent=${visit.organization.name}`]} />
    </section>
  );
}

/** `iam.v1.GroupInvites.Create` as `GroupInvites.Create`. */
const wordsOf = (operation: string): string => operation.replace(/^[\w]+\.v\w+\./, '');
