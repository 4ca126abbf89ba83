import { join, resolve } from 'node:path';
import { defineCommand, defineView, needs } from '../../cli/define.ts';
import { organization } from '../../cli/inputs/references.ts';
import { boolean, choice, file } from '../../cli/inputs/values.ts';
import { printable } from '../../cli/io.ts';
import { entriesOf, pullTokensIn } from '../../organization/entries.ts';
import { readState, unseenIn } from './files/state.ts';

interface Export {
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

const exportView = defineView<Export>({
  text: ({ files }) => files.map(({ path, text }) => (path === '' ? text : `${path}\n`)).join(''),
});

export default defineCommand({
  path: ['iam', 'export'],
  changesHere: true,
  summary: 'Write what an organization has as files.',
  description:
    'Folders, roles, identity providers, identities, group mappings, bindings and cloud accounts, as YAML for `chainctl iam ' +
    'plan` and `apply`, or as resources of the official Terraform provider with their imports. Names stand for ids where they ' +
    'mean one thing. Secrets, invites and pull tokens are left out.',
  inputs: {
    parent: {
      kind: organization,
      aliases: ['group'],
      required: true,
      config: 'default.group',
      help: 'Organization to write.',
      question: 'Which organization?',
    },
    format: { kind: choice('yaml', 'terraform'), default: 'yaml', help: 'What to write.' },
    split: { kind: boolean, help: 'A file for each kind of thing, in the folder of `--out`.' },
    out: { kind: { ...file, metavar: 'FILE|FOLDER' }, help: 'Where to write. Defaults to standard output.' },
  },
  check: [needs('split', 'out')],
  examples: [
    { text: 'Into a file', args: '--parent=example.com --out=iam.yaml' },
    {
      text: 'As Terraform, a file for each kind of thing',
      args: '--parent=example.com --format=terraform --split --out=iam',
    },
  ],
  view: exportView,
  formats: ['text'],
  run: async (context, { parent, format, split, out }): Promise<Export> => {
    const state = await readState(context, parent);
    for (const sentence of await unseenIn(context, parent)) context.io.warn(sentence);
    const pullTokens = pullTokensIn(state);
    if (pullTokens > 0) {
      context.io.note(
        `${pullTokens === 1 ? '1 pull token is' : `${pullTokens} pull tokens are`} left out: \`chainctl auth pull-token\` manages them.`,
      );
    }
    const name = state.organization.name ?? parent.name;
    const entries = entriesOf(state);
    const write = async () => {
      if (format === 'terraform') {
        const { toTerraform, toTerraformFiles } = await import('../../organization/terraform.ts');
        return split ? toTerraformFiles(state) : [{ name: '', text: toTerraform(state) }];
      }
      const { toYaml, toYamlFiles } = await import('../../organization/yaml.ts');
      return split ? toYamlFiles(name, entries) : [{ name: '', text: toYaml(name, entries) }];
    };
    const written = await write();
    if (out === undefined) return { files: written.map(({ text }) => ({ path: '', text })) };
    const { replaceFile } = await import('../../files.ts');
    const files = written.map((one) => ({ path: split ? join(out, one.name) : out, text: one.text }));
    for (const { path, text } of files)
      replaceFile(resolve(context.host.cwd, path), text, { mode: 0o644, keepMode: true });
    context.io.note(printable(`Wrote ${files.map(({ path }) => path).join(', ')}.`));
    return { files: [] };
  },
});
