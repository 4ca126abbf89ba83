import type { ReportRow } from '../../../access/report.ts';
import { defineView } from '../../../cli/define.ts';
import { sinceCell } from '../../../cli/output/age.ts';
import { throughWords } from './view.ts';

export const reportView = defineView<ReportRow>({
  columns: [
    { head: 'WHO', value: ({ who }) => who },
    { head: 'ROLE', value: ({ role }) => role },
    { head: 'LOCATION', value: ({ location }) => location },
    { head: 'THROUGH', rank: 1, value: ({ through }) => throughWords[through] },
    { head: 'ENDS', rank: 3, value: ({ ends }, cell) => sinceCell(ends, cell) },
    { head: 'LAST SEEN', rank: 2, value: ({ lastSeen }, cell) => sinceCell(lastSeen, cell) },
    { head: 'CAPABILITIES', align: 'right', wide: true, value: ({ capabilities }) => capabilities.length },
    { head: 'IDENTITY ID', id: true, wide: true, value: ({ identityId }) => identityId },
    { head: 'LOCATION ID', id: true, wide: true, value: ({ locationId }) => locationId },
    { head: 'ID', id: true, wide: true, value: ({ id }) => id },
  ],
  envelope: 'items',
  empty: 'No one has access, as far as this login sees.',
});
