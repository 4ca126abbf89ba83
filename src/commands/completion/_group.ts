import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['completion'],
  summary: 'Print the completion script for your shell.',
  description:
    'Commands, flags and their values are completed, names on the platform too while you are signed in. The script asks ' +
    'chainctl itself, so it stays right when chainctl is updated.',
});
