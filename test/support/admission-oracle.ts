// What `iam identities test` says of generated rules and tokens, against what the exchange of a real platform does with them.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { IamIdentity } from '../../src/api/schema/types/iam.gen.ts';
import { signJwt } from '../../src/local/keys/jwt.ts';
import { type PublicJwk, publicKeys, signingKey } from '../../src/local/keys/signing-keys.ts';
import {
  circleciToken,
  githubToken,
  gitlabToken,
  kubernetesToken,
  type ThirdPartyClaims,
} from '../../src/trust/ci-claims.ts';
import { demoOrganizations } from './ids.ts';
import { temporaryFolder } from './platform.ts';
import type { Random } from './random.ts';
import { shellWords } from './shell-words.ts';
import { type SignedIn, signedIn } from './signed-in.ts';
import { makeToken, testKey } from './tokens.ts';

const organization = demoOrganizations.private;
const uuid = (digit: string) => `${digit.repeat(8)}-1111-4111-8111-111111111111`;

/** Jobs of several systems; those of one differ in one thing each. */
const jobs: readonly ThirdPartyClaims[] = [
  githubToken({ repo: 'acme/app', ref: 'refs/heads/main' }),
  githubToken({ repo: 'acme/app', ref: 'refs/heads/dev' }),
  githubToken({ repo: 'acme@1/app@2', ref: 'refs/heads/main', environment: 'production' }),
  githubToken({ repo: 'stranger/app', ref: 'refs/heads/main' }),
  gitlabToken({ projectPath: 'acme/app', ref: 'main', refType: 'branch' }),
  circleciToken({ project: `${uuid('a')}/${uuid('b')}`, ref: 'refs/heads/main' }),
  kubernetesToken({ serviceAccount: 'apps/puller', issuer: 'https://cluster.example' }),
  {
    issuer: 'https://ci.example',
    subject: 'job, 7',
    claims: { branch: 'main', flag: true, count: 3, list: ['a'], odd: 'a,b:c(d)' },
  },
];

const faults = [
  'none',
  'none',
  'none',
  'expired',
  'just expired',
  'early',
  'forged',
  'changed',
  'cut',
  'stranger',
] as const;

interface Pair {
  readonly identity: IamIdentity;
  readonly job: ThirdPartyClaims;
  readonly fault: (typeof faults)[number];
  readonly audience: string | readonly string[];
}

const escaped = (text: string) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');

/** A rule that is near a job: most members fit it or another one. */
function rule(random: Random, job: ThirdPartyClaims, audiences: readonly string[]): IamIdentity {
  const about = random.chance(0.92) ? job : random.pick(jobs);
  const texts = Object.entries(about.claims).flatMap(([name, value]) =>
    typeof value === 'string' && value !== '' ? [[name, value] as const] : [],
  );
  const some = <T>(value: T, chance: number): T | undefined => (random.chance(chance) ? value : undefined);
  const claim = texts.length === 0 ? undefined : random.pick(texts);
  const pattern = random.pick(Object.entries(about.claims));
  return {
    claimMatch: {
      ...(random.chance(0.8) ? { issuer: about.issuer } : { issuerPattern: `${escaped(about.issuer)}(/.*)?` }),
      ...(random.chance(0.5)
        ? { subject: about.subject }
        : { subjectPattern: random.pick([escaped(about.subject), '.*main.*', 'repo:acme/.*', '.+', '.+']) }),
      ...random.pick([{}, {}, {}, { audience: random.pick(audiences) }, { audiencePattern: '.*:.*' }]),
      ...some({ claims: Object.fromEntries(claim === undefined ? [] : [claim]) }, 0.2),
      ...some({ claimPatterns: { [pattern[0]]: random.pick(['.*', '.*', '.*', 'main', 'true', 'other.*']) } }, 0.3),
    },
  };
}

/** Of whoever signs tokens that no issuer has signed. */
const strangersKeys = JSON.stringify({ keys: [testKey().jwk] });

function keysOf(keys: readonly PublicJwk[], job: ThirdPartyClaims, random: Random, ends: string): IamIdentity {
  return {
    static: {
      issuer: job.issuer,
      subject: random.chance(0.7) ? job.subject : 'another',
      issuerKeys: random.chance(0.8) ? JSON.stringify({ keys }) : strangersKeys,
      expiration: ends,
    },
  };
}

export interface AdmissionWorld {
  /** Looks at so many pairs. Returns how many were admitted, refused, and admitted by the line that was proposed. */
  look(random: Random, count: number): Promise<{ admitted: number; refused: number; mended: number }>;
}

export async function admissionWorld(): Promise<AdmissionWorld> {
  const world = await signedIn();
  const { platform, clock } = world;
  const dev = await platform.token('c3e12136df37b1d1899755bef3f6165e7c26d719');
  const folder = temporaryFolder();
  for (const { issuer } of jobs) await signingKey(platform.store, issuer);
  let made = 0;

  const create = async (identity: IamIdentity): Promise<string> => {
    made += 1;
    const body = { ...identity, name: `generated-${made}` };
    const answer = await platform.call(dev, 'POST', `/iam/v1/identities/${organization}`, { body });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body.id;
  };

  const mint = async ({ job, fault, audience }: Omit<Pair, 'identity'>): Promise<string> => {
    const now = Math.floor(clock.now() / 1000);
    const life = fault === 'expired' ? -3600 : fault === 'just expired' ? -30 : 600;
    const claims = {
      ...job.claims,
      iss: job.issuer,
      sub: job.subject,
      aud: typeof audience === 'string' ? audience : [...audience],
      iat: now - 4000,
      nbf: fault === 'early' ? now + 300 : now - 4000,
      exp: now + life,
    };
    const key = await signingKey(platform.store, job.issuer);
    if (fault === 'forged') return makeToken(claims, { kid: key.kid });
    if (fault === 'stranger') return makeToken(claims);
    const token = await signJwt(key, claims);
    const [head = '', body = '', signature = ''] = token.split('.');
    if (fault === 'cut') return `${head}.${body}.${signature.slice(0, -8)}`;
    if (fault !== 'changed') return token;
    const other = { ...claims, sub: `${job.subject} ` };
    return `${head}.${Buffer.from(JSON.stringify(other)).toString('base64url')}.${signature}`;
  };

  const exchange = async (identity: string, token: string): Promise<number> => {
    const query = new URLSearchParams({ aud: platform.urls.api, identity });
    return (await platform.call(token, 'POST', `/sts/exchange?${query}`)).status;
  };

  const testOf = async (id: string, token: string) => {
    const path = join(folder, 'token.jwt');
    writeFileSync(path, token);
    const run = await world.run(['iam', 'identities', 'test', id, '--token', path, '--verify', '--output=json']);
    expect(run.out, run.err).not.toBe('');
    const said = JSON.parse(run.out);
    expect(run.code).toBe(said.answer === 'yes' ? 0 : 1);
    return said;
  };

  return {
    async look(random, count) {
      const counts = { admitted: 0, refused: 0, mended: 0 };
      for (let n = 0; n < count; n += 1) {
        const job = random.pick(jobs);
        const audiences = [platform.urls.issuer, new URL(platform.urls.issuer).host, 'https://vault.example'];
        const audience = random.chance(0.2)
          ? audiences
          : random.chance(0.8)
            ? platform.urls.issuer
            : random.pick(audiences);
        const fault = random.pick(faults);
        const ends = new Date(clock.now() + 3_600_000).toISOString();
        const identity = random.chance(0.15)
          ? keysOf(publicKeys(platform.store, job.issuer), job, random, ends)
          : rule(random, job, audiences);
        const id = await create(identity);
        const token = await mint({ job, fault, audience });
        const said = await testOf(id, token);
        const status = await exchange(id, token);
        const seen = { answer: said.answer === 'yes', identity, fault, audience, subject: job.subject };
        expect(seen).toEqual({ ...seen, answer: status === 200 });
        if (status === 200) counts.admitted += 1;
        else counts.refused += 1;
        // A stranger's token is no forgery to an identity that trusts the stranger's key.
        if (fault === 'stranger' && identity.static?.issuerKeys === strangersKeys) continue;
        // What was forged is not to be admitted by any line.
        if (['forged', 'changed', 'cut', 'stranger'].includes(fault)) expect(said.change).toBeUndefined();
        if (said.change === undefined) continue;
        counts.mended += await applied(world, id, said.change.command, async () => {
          const good = await mint({ job, fault: 'none', audience });
          expect(await exchange(id, good), `${said.change.command} of ${JSON.stringify(identity)}`).toBe(200);
          // Whoever the rule let in before is not kept out by a line about somebody else.
          const open = identity.claimMatch?.subjectPattern !== undefined && !/--subject=/.test(said.change.command);
          for (const stranger of open ? [] : jobs.filter(({ subject }) => subject !== job.subject)) {
            expect(await exchange(id, await mint({ job: stranger, fault: 'none', audience })), stranger.subject).toBe(
              403,
            );
          }
        });
      }
      return counts;
    },
  };
}

/** Types the line as it is printed. */
async function applied(world: SignedIn, id: string, command: string, check: () => Promise<void>): Promise<number> {
  const [program, ...words] = shellWords(command);
  expect([program, ...words.slice(0, 4)]).toEqual(['chainctl', 'iam', 'identities', 'update', id]);
  const run = await world.run([...words, '--yes']);
  expect(run.code, run.err).toBe(0);
  await check();
  return 1;
}
