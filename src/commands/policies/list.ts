import { defineCommand } from '../../cli/define.ts';
import type { Kind } from '../../cli/inputs/kind.ts';
import { group } from '../../cli/inputs/references.ts';
import { boolean } from '../../cli/inputs/values.ts';
import { visiblePolicies } from './policy.ts';
import { policyView, shown } from './policy-view.ts';

const image: Kind<string> = {
  metavar: 'IMAGE',
  parse: (text) => {
    if (text.trim() === '') throw new Error('must name an image');
    return text;
  },
};

/** Stands for whatever digest an image has that was named without one. */
const anyDigest = `sha256:${'0'.repeat(64)}`;

export default defineCommand({
  path: ['policies', 'list'],
  summary: 'List policies.',
  aliases: ['ls'],
  inputs: {
    group: {
      kind: group,
      aliases: ['parent'],
      config: 'default.group',
      help: 'Only policies of this organization or folder, or below it.',
    },
    image: { kind: image, help: 'Only policies that are about this image.' },
    // Of older guides (seed-era.json, policies list).
    agreed: { kind: boolean, flag: 'yes', short: 'y', hidden: true, help: 'Has no effect: nothing is asked.' },
  },
  examples: [
    { text: 'Everything you may see', args: '' },
    { text: 'What an image has to satisfy', args: '--image=cgr.dev/chainguard/nginx' },
  ],
  view: policyView,
  formats: ['table', 'wide', 'json', 'id', 'csv', 'markdown'],
  run: async (context, { group: parent, image: wanted }) => {
    const policies = await visiblePolicies(context, parent?.id);
    if (wanted === undefined) return shown(policies);
    const [{ readPolicy }, { coveringGlob, parseReference }, { CliError }] = await Promise.all([
      import('../../enforce/policy/document.ts'),
      import('../../enforce/policy/globs.ts'),
      import('../../errors.ts'),
    ]);
    const reference = parseReference(wanted);
    if (reference === undefined) {
      throw new CliError('usage', `\`--image\` "${wanted}" is not the name of an image`, { code: 'usage.image' });
    }
    const named = { ...reference, digest: reference.digest ?? anyDigest };
    return shown(
      policies.filter(({ document = '' }) => {
        try {
          return coveringGlob(readPolicy(document).policy.globs, named, wanted) !== undefined;
        } catch {
          return false;
        }
      }),
    );
  },
});
