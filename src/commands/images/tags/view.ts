import { compact } from '../../../api/compact.ts';
import type { RegistryTag } from '../../../api/schema/types/registry.gen.ts';
import { defineView } from '../../../cli/define.ts';
import { updatedCell } from '../view.ts';

export interface ShownTag {
  /** `cgr.dev/example.com/nginx`. */
  readonly image: string;
  readonly tag: RegistryTag;
}

export const tagView = defineView<ShownTag>({
  id: ({ tag }) => tag.id ?? '',
  columns: [
    { head: 'REPO', rank: 2, value: ({ image }) => image },
    { head: 'TAG', value: ({ tag }) => tag.name },
    { head: 'DIGEST', rank: 1, value: ({ tag }) => tag.digest },
    { head: 'LAST UPDATED', rank: 3, value: ({ tag }, cell) => updatedCell(tag, cell) },
    { head: 'ID', value: ({ tag }) => tag.id, wide: true },
  ],
  terse: ({ image, tag }) => `${image}:${tag.name ?? ''}@${tag.digest ?? ''}`,
  json: ({ tag }) => compact(tag),
  envelope: 'array',
  empty: 'No tags found.',
});
