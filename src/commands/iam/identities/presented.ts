// The token that `test` looks at: a real one from a file or standard input, or what a job of a CI system would present.

import { askGithub } from '../../../api/github.ts';
import { repositoryIn } from '../../../api/github-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import type { Inputs, InputValues } from '../../../cli/define.ts';
import { choice, file, named } from '../../../cli/inputs/values.ts';
import { CliError } from '../../../errors.ts';
import type { ThirdPartyClaims } from '../../../trust/ci-claims.ts';
import type { TokenClaims } from '../../../trust/claim-match.ts';
import type { DecodedToken } from '../../../trust/jwt.ts';

/** The inputs that say what is presented. Exactly one of the first six is given. */
export const presentedInputs = {
  token: { kind: file, help: 'File that holds the token, or "-" for standard input.' },
  github: {
    kind: named('OWNER/REPO'),
    help: 'A GitHub Actions workflow of this repository; OWNER@ID/REPO@ID needs no lookup.',
  },
  gitlab: { kind: named('GROUP/PROJECT'), help: 'A GitLab CI job of this project.' },
  buildkite: { kind: named('ORG/PIPELINE'), help: 'A Buildkite job of this pipeline.' },
  circleci: {
    kind: named('ORG_ID/PROJECT_ID'),
    help: 'A CircleCI job of this project, by ids; a third one is the user.',
  },
  kubernetes: { kind: named('NAMESPACE/NAME'), help: 'A pod that runs as this service account.' },
  ref: { kind: named('REF'), help: 'Branch, or full reference such as refs/tags/v1, of the job. Defaults to main.' },
  environment: { kind: named('NAME'), help: 'GitHub: deployment environment of the job.' },
  event: { kind: named('EVENT'), help: 'GitHub: event that started it, such as pull_request. Defaults to push.' },
  subjectForm: {
    kind: choice('ids', 'names'),
    help: 'GitHub: whether the subject has the ids. Defaults to ids where they are known.',
  },
  clusterIssuer: {
    kind: named('URL'),
    help: 'Kubernetes: issuer of the cluster. Defaults to the one of the identity.',
  },
  tokenAudience: {
    kind: named('AUDIENCE'),
    help: 'Audience the job asks for. Defaults to what `auth login` asks for, which is the address of the token issuer.',
  },
} as const satisfies Inputs;

export type PresentedInput = InputValues<typeof presentedInputs>;

/** Presented claims, real or not. */
export interface Presented {
  readonly claims: TokenClaims;
  /** Of a real token. */
  readonly token?: { readonly text: string; readonly decoded: DecodedToken };
  /** Of a token that is none: claims that are known. Every other one is made up. */
  readonly known?: ReadonlySet<string>;
  /** Remarks, a sentence each. */
  readonly remarks: readonly string[];
}

const systems = ['github', 'gitlab', 'buildkite', 'circleci', 'kubernetes'] as const;
export const sources = ['token', ...systems] as const;

/** Returns what goes with one system only, as sentences. */
export function presentedProblems(given: Partial<PresentedInput>): string[] {
  const from = sources.filter((key) => given[key] !== undefined);
  if (from.length === 0) return ['`--token`, or what would present one such as `--github`, is required'];
  if (from.length > 1) return [`\`--${from[0]}\` and \`--${from[1]}\` exclude each other`];
  const only = [
    ['environment', '--environment', ['github']],
    ['event', '--event', ['github']],
    ['subjectForm', '--subject-form', ['github']],
    ['clusterIssuer', '--cluster-issuer', ['kubernetes']],
    ['ref', '--ref', ['github', 'gitlab', 'buildkite', 'circleci']],
    ['tokenAudience', '--token-audience', [...systems]],
  ] as const;
  return only.flatMap(([key, flag, with_]) =>
    given[key] === undefined || with_.some((one) => one === from[0])
      ? []
      : [`\`${flag}\` goes with ${with_.map((one) => `\`--${one}\``).join(', ')}`],
  );
}

export async function presentedBy(context: Context, input: PresentedInput, identity: IamIdentity): Promise<Presented> {
  if (input.token !== undefined) return realToken(context, input.token);
  const job = await import('../../../trust/ci-claims.ts');
  const ref = job.fullRef(input.ref ?? 'main');
  const made = 'Claims that are not asked for, such as the commit, are made up; give a token to have them compared.';
  if (input.github !== undefined) {
    const { repo, remarks } = await repositoryOf(context, input.github, input.subjectForm);
    const { environment, event, subjectForm: form } = input;
    const token = job.githubToken({ repo, ref, environment, event, form });
    const guessed = [
      ...(repositoryIn(repo) === undefined ? ['repository_id', 'repository_owner_id'] : []),
      ...(event === undefined ? ['event_name'] : []),
    ];
    return presented(context, input, token, [...remarks, made], { guessed });
  }
  if (input.gitlab !== undefined) {
    const [, tag] = /^refs\/tags\/(.*)$/s.exec(ref) ?? [];
    const name = tag ?? ref.replace(/^refs\/heads\//, '');
    const token = job.gitlabToken({
      projectPath: input.gitlab,
      ref: name,
      refType: tag === undefined ? 'branch' : 'tag',
    });
    // As the guide and `identities create gitlab` have it.
    return presented(context, input, token, [made], { audience: token.issuer });
  }
  if (input.buildkite !== undefined) {
    const token = job.buildkiteToken({ pipeline: input.buildkite, ref });
    return presented(context, input, token, ['The subject names a commit and a step, which are made up.', made]);
  }
  if (input.circleci !== undefined) {
    const token = job.circleciToken({ project: input.circleci, ref });
    const isWhole = input.circleci.split('/').length === 3;
    const remark = isWhole ? [] : ['The subject names who started the job, which is made up.'];
    return presented(context, input, token, [...remark, made], { audience: token.organization });
  }
  const own = identity.claimMatch?.issuer ?? identity.static?.issuer;
  const issuer = input.clusterIssuer ?? (own === undefined || job.isCiIssuer(own) ? job.clusterIssuer : own);
  const { known: _all, ...pod } = presented(
    context,
    input,
    job.kubernetesToken({ serviceAccount: input.kubernetes ?? '', issuer }),
    [],
  );
  return pod;
}

function presented(
  context: Context,
  input: PresentedInput,
  { issuer, subject, claims, settled = {} }: ThirdPartyClaims,
  remarks: readonly string[],
  { audience, guessed = [] }: { readonly audience?: string; readonly guessed?: readonly string[] } = {},
): Presented {
  const asked = input.tokenAudience ?? audience ?? context.config.get('platform.issuer').replace(/\/+$/, '');
  const known = new Set(['iss', 'sub', 'aud', ...Object.keys(settled)].filter((name) => !guessed.includes(name)));
  return {
    claims: { issuer, subject, audiences: [asked], all: { ...claims, iss: issuer, sub: subject, aud: asked } },
    known,
    remarks,
  };
}

/** With its ids where they are given, or GitHub says them. */
async function repositoryOf(
  context: Context,
  repo: string,
  form: PresentedInput['subjectForm'],
): Promise<{ readonly repo: string; readonly remarks: readonly string[] }> {
  const names = 'the subject has names alone, as GitHub writes it for repositories made before 2026-07-15';
  if (form === 'names') return { repo, remarks: [] };
  if (repositoryIn(repo) !== undefined || !/^[^\s/:@]+\/[^\s/:@]+$/.test(repo)) return { repo, remarks: [] };
  const simulator = new URL(context.config.get('platform.issuer')).origin;
  const answer = await askGithub(context.host, { repo, simulator, signal: context.signal });
  if ('repository' in answer) {
    const { owner, ownerId, name, id } = answer.repository;
    return { repo: `${owner}@${ownerId}/${name}@${id}`, remarks: [] };
  }
  if (form === 'ids') {
    throw new CliError('api', `The ids of "${repo}" are not known: ${answer.reason}`, {
      code: 'github.no-ids',
      hint: 'write them as `--github=OWNER@ID/NAME@ID`',
    });
  }
  return { repo, remarks: [`The ids of the repository are not known (${answer.reason}), so ${names}.`] };
}

async function realToken(context: Context, path: string): Promise<Presented> {
  const { readToken } = await import('../../../auth/token-file.ts');
  const text = await readToken(context.host, path);
  const { decodeJwt, toTokenClaims, TokenError, upstreamLogin } = await import('../../../trust/jwt.ts');
  try {
    const decoded = decodeJwt(text);
    const platform = context.config.get('platform.issuer').replace(/\/+$/, '');
    const claims = upstreamLogin(decoded, platform) ?? toTokenClaims(decoded);
    return { claims, token: { text, decoded }, remarks: [] };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    // The text is not repeated: it may be a secret that was taken for a token.
    throw new CliError('usage', `The token cannot be used: ${error.message}`, { code: 'usage.bad-token' });
  }
}
