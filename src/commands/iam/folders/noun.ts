import { folder, type Reference } from '../../../cli/inputs/references.ts';
import type { Noun } from '../../../cli/noun-commands.ts';

export const folderNoun: Noun<Reference> = {
  kind: folder,
  positional: 'FOLDER',
  help: 'Name, path such as "example.com/backend", or id of the folder.',
  called: 'folder',
};
