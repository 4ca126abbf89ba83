import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import type { Kind } from '../../cli/inputs/kind.ts';
import { boolean, file } from '../../cli/inputs/values.ts';
import type { PolicyVerdict, Verdict } from '../../enforce/verify/verify.ts';
import { CliError } from '../../errors.ts';

const image: Kind<string> = {
  metavar: 'IMAGE',
  parse: (text) => {
    if (text.trim() === '') throw new Error('must name an image');
    return text;
  },
};

interface Row {
  readonly image: string;
  /** Undefined when no policy is about the image. */
  readonly policy: PolicyVerdict | undefined;
}

const authorityLines = ({ authorities }: PolicyVerdict): string[] =>
  authorities.map(({ name, isGood, message, signatures }) => {
    if (!isGood) return `  ✗ ${name}: ${message}`;
    const who = signatures.flatMap(({ identity }) =>
      identity === undefined ? [] : `${identity.subject}, by ${identity.issuer}`,
    );
    return `  ✓ ${name}${who.length === 0 ? '' : `: ${[...new Set(who)].join('; ')}`}`;
  });

function text({ image: name, policy }: Row): string {
  if (policy === undefined)
    return `${name}\nNo policy is about this image; what no policy is about is denied unless the cluster says otherwise.\n`;
  const own = policy.messages.filter((message) => policy.authorities.every((one) => one.message !== message));
  const lines = [
    `${policy.name}: ${policy.result}, about ${name} by "${policy.glob}"`,
    ...authorityLines(policy),
    ...own.map((one) => `  ✗ ${one}`),
  ];
  return `${lines.join('\n')}\n`;
}

const shownAuthority = ({ name, isGood, message, signatures }: PolicyVerdict['authorities'][number]) => ({
  name,
  isGood,
  message,
  signatures: signatures.map(({ id, predicateType, identity }) => ({ id, predicateType, identity })),
});

const view = defineView<Row>({
  text,
  columns: [
    { head: 'POLICY', value: ({ policy }) => policy?.name },
    {
      head: 'RESULT',
      value: ({ policy }) => policy?.result ?? 'NO POLICY',
      state: ({ policy }) => (policy?.result === 'PASS' ? 'pass' : policy?.result === 'WARN' ? 'warn' : 'fail'),
    },
    { head: 'IMAGE', value: ({ image: name }) => name },
    { head: 'DIAGNOSTIC', rank: 1, value: ({ policy }) => policy?.messages.join('\n') },
  ],
  json: ({ image: name, policy }) => ({
    image: name,
    ...(policy === undefined
      ? { result: 'NO_POLICY' }
      : { ...policy, authorities: policy.authorities.map(shownAuthority) }),
  }),
  envelope: 'items',
});

export default defineCommand({
  path: ['policies', 'test'],
  summary: 'Try policies on an image before they are applied.',
  description:
    'Says for each policy that is about the image whether it would be let in, authority by authority, by the same engine as the ' +
    'agent of a cluster. Exits with 1 when it would not.',
  inputs: {
    image: {
      kind: image,
      positional: 'IMAGE',
      flag: false,
      required: true,
      help: 'Image by tag or digest; tag "latest" unless one is given.',
      question: 'Which image?',
    },
    filename: {
      kind: { ...file, splitsCommas: true },
      many: true,
      required: true,
      short: 'f',
      help: 'File with one or more policies, a folder of them, or "-" for standard input.',
      question: 'Which file holds the policy?',
    },
    recursive: { kind: boolean, short: 'R', help: 'Read every .yaml, .yml and .json file in the named folders.' },
    trustedRoot: {
      kind: file,
      help: 'Trust root of sigstore (trusted_root.json) in place of the one that cosign keeps.',
    },
  },
  examples: [{ text: 'Before it is applied', args: 'ubuntu --filename=sample-policy.yaml' }],
  view,
  formats: ['text', 'table', 'json'],
  lists: true,
  exitError: (rows) => {
    const bad = rows.filter(({ policy }) => policy === undefined || policy.result === 'FAIL');
    if (bad.length === 0) return undefined;
    const names = bad.flatMap(({ policy }) => (policy === undefined ? [] : `"${policy.name}"`));
    return new CliError(
      'api',
      names.length === 0 ? 'No policy is about the image' : `The image breaks ${names.join(', ')}`,
      {
        code: 'policy.fails',
      },
    );
  },
  run: async (context, { image: given, filename, recursive, trustedRoot }) => {
    const { readPolicyFiles, tellWarnings } = await import('./files.ts');
    const documents = await readPolicyFiles(context, filename, recursive);
    tellWarnings(context, documents);
    const verdict = await verdictOf(
      context,
      given,
      documents.map(({ policy }) => policy),
      trustedRoot,
    );
    return verdict.policies.length === 0
      ? [{ image: verdict.image, policy: undefined }]
      : verdict.policies.map((policy) => ({ image: verdict.image, policy }));
  },
});

async function verdictOf(
  context: Context,
  given: string,
  policies: Parameters<typeof import('../../enforce/verify/verify.ts').verify>[1],
  trustedRoot: string | undefined,
): Promise<Verdict> {
  const [{ verify }, { parseReference }, { openRegistry }, { readTrustRoot }, { repositoryOf }, rules] =
    await Promise.all([
      import('../../enforce/verify/verify.ts'),
      import('../../enforce/policy/globs.ts'),
      import('../images/open-registry.ts'),
      import('../images/keyless.ts'),
      import('../clusters/repositories.ts'),
      import('../clusters/rules.ts'),
    ]);
  const reference = parseReference(given);
  if (reference === undefined) {
    throw new CliError('usage', `\`IMAGE\` "${given}" is not the name of an image`, { code: 'usage.image' });
  }
  const repository = (place: { registry: string; repository: string }) =>
    repositoryOf(
      openRegistry(context, place.registry === 'index.docker.io' ? 'docker.io' : place.registry),
      place.repository,
    );
  const digest = reference.digest ?? (await repository(reference).manifest(reference.tag ?? 'latest'))?.digest;
  if (digest === undefined) {
    throw new CliError('not-found', `There is no image ${given}`, { code: 'not-found.image' });
  }
  return verify({ image: { ...reference, digest }, given }, policies, {
    repository,
    secret: async () => undefined,
    configMap: async () => undefined,
    ...rules.ruleSurroundings(context),
    async trustRoot(name, url) {
      // A file that was named stands for whatever root the policy names.
      if (trustedRoot !== undefined) return readTrustRoot(context, { trustedRoot });
      if (name !== undefined) return undefined;
      const { isOfPlatform, rootAt } = await import('../sigstore/trust-root.ts');
      return isOfPlatform(context.config.get('platform.api'), url)
        ? rootAt(context, url)
        : readTrustRoot(context, { trustedRoot });
    },
    now: () => context.host.now(),
  });
}
