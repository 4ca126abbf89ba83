import type { IamSigstore } from '../../../api/schema/types/iam.gen.ts';
import { defineView } from '../../../cli/define.ts';

export const authorityView = defineView<IamSigstore>({
  id: ({ id = '' }) => id,
  columns: [
    { head: 'ID', id: true, value: ({ id }) => id },
    { head: 'NAME', value: ({ name }) => name },
    { head: 'HOSTNAME', value: ({ hostname }) => hostname },
    { head: 'DESCRIPTION', rank: 1, value: ({ description }) => description },
  ],
  json: (one) => one,
  envelope: 'items',
  empty: 'No certificate authorities found. Make one with `chainctl sigstore ca create`.',
});
