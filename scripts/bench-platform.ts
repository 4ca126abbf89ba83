// What the local platform costs when there is much in it, as ratios within one process, so that the machine does not
// matter: all pages of a list to the list in one piece, a check of rights with many role bindings to one with few, and how
// long nothing else gets a turn while events wait for a sink that is away. The parts of a ratio are measured in turns.
//
// Usage: npm run bench:platform -- [--identities=20000] [--events=50000] [--rounds=5]

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { grantsOf, requireCapabilities } from '../src/local/authorization/access.ts';
import type { Caller } from '../src/local/core/types.ts';
import { bindRole } from '../src/local/iam/bind-role.ts';
import { builtInRoleId } from '../src/local/iam/built-in-roles.ts';
import { insertGroup } from '../src/local/iam/groups.ts';
import { listIdentities } from '../src/local/iam/identities.ts';
import { createRoleBinding, deleteRoleBinding } from '../src/local/iam/role-bindings.ts';
import { demoOrganizations, personId, seedDemo } from '../src/local/iam/seed.ts';
import { createUser, insertIdentity } from '../src/local/iam/stored-identity.ts';
import { listIdentities as listPage } from '../src/local/iam/v2/identities.ts';
import { type Platform, startPlatform } from '../src/local/platform.ts';
import type { Tx } from '../src/local/store/database.ts';

const option = (name: string, fallback: number) =>
  Number(process.argv.find((word) => word.startsWith(`--${name}=`))?.split('=')[1] ?? fallback);
const identities = option('identities', 20_000);
const events = option('events', 50_000);
const rounds = option('rounds', 5);

const organization = demoOrganizations.private;
const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-platform-'));
const clock = { now: () => Date.now(), randomBytes: (count: number): Uint8Array => randomBytes(count) };
const hex = (index: number) => index.toString(16).padStart(16, '0');
const open = (name: string) => startPlatform({ dataDir: join(folder, name), seed: 'empty', clock });

function callerOf(tx: Tx, identity: string): Caller {
  const nothing = { issuer: '', audience: [], issuedAt: 0, expiresAt: 0, email: undefined, actor: {}, narrowed: false };
  return { ...nothing, identity, profile: undefined, ceiling: grantsOf(tx, identity) };
}

/** Milliseconds of CPU time, the median of the rounds, for each of the works; they take turns. */
function inTurns(works: readonly (() => void)[]): number[] {
  const samples = works.map((): number[] => []);
  for (let round = -1; round < rounds; round += 1) {
    works.forEach((work, at) => {
      const before = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) samples[at]?.push((user + system) / 1000);
    });
  }
  return samples.map((values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
}

function tell(what: string, one: number, other: number): void {
  console.log(
    `${what.padEnd(78)} ${(one / other).toFixed(2).padStart(7)}   ${one.toFixed(1)} to ${other.toFixed(1)} ms`,
  );
}

function lists({ store }: Platform): void {
  store.transact((tx) => {
    for (let index = 0; index < identities; index += 1) {
      const claimMatch = { issuer: 'https://issuer.example', subject: `repo:acme/app-${index}` };
      const id = `${organization}/${hex((index * 7919) % 1_000_003)}`;
      const relationship = { kind: 'claimMatch', claimMatch } as const;
      insertIdentity(tx, { id, name: `robot-${index}`, description: '', relationship });
    }
  });
  const whole = () =>
    store.read((tx) => listIdentities(tx, callerOf(tx, personId('dev@example.com')), {}).items?.length);
  const page = (tx: Tx, orderBy: string, pageToken: string): string =>
    listPage(tx, callerOf(tx, personId('dev@example.com')), { pageSize: 200, pageToken, orderBy }).nextPageToken ?? '';
  const pages = (orderBy: string) => () => {
    let token = '';
    do token = store.read((tx) => page(tx, orderBy, token));
    while (token !== '');
  };
  const [list = 0, byId = 0, byName = 0] = inTurns([whole, pages('uid'), pages('name desc')]);
  tell(`${identities} identities: all pages of 200, to the list in one piece`, byId, list);
  tell(`${identities} identities: the same by name`, byName, list);
}

function checks({ store }: Platform): void {
  const users = [1, 1000].map((count) =>
    store.transact((tx) => {
      const user = createUser(tx, { issuer: 'https://issuer.example', subject: `in ${count}` });
      for (let index = 0; index < count; index += 1) {
        const group = `${organization}/${hex(2 ** 40 + index + count)}`;
        insertGroup(tx, { parent: organization, name: `folder ${index} of ${count}`, description: '' }, group);
        bindRole(tx, { group, identity: user, role: builtInRoleId('owner') });
      }
      return user;
    }),
  );
  const check = (user: string) => {
    const caller = store.read((tx) => callerOf(tx, user));
    const [place = ''] = caller.ceiling.keys();
    return () => {
      for (let time = 0; time < 20; time += 1) {
        store.read((tx) => requireCapabilities(tx, caller, ['groups.list'], place));
      }
    };
  };
  const [few = 0, many = 0] = inTurns(users.map(check));
  tell('a check of rights: owner of 1000 folders, to owner of one', many / 20, few / 20);
}

/** A role that is given and taken again where few and where many hold it. */
function bindings({ store }: Platform): void {
  const viewer = builtInRoleId('viewer');
  const holder = (tx: Tx, name: string) => createUser(tx, { issuer: 'https://issuer.example', subject: name });
  const places = [200, 20_000].map((count) =>
    store.transact((tx) => {
      const { id: group = '' } = insertGroup(tx, { parent: '', name: `company-${count}`, description: '' });
      const owner = holder(tx, `owner ${count}`);
      bindRole(tx, { group, identity: owner, role: builtInRoleId('owner') });
      for (let index = 0; index < count; index += 1) {
        const role = index % 2 === 0 ? viewer : builtInRoleId('owner');
        bindRole(tx, { group, identity: holder(tx, `${index} of ${count}`), role });
      }
      return { group, owner, other: holder(tx, `other of ${count}`) };
    }),
  );
  const give = ({ group, owner, other }: (typeof places)[number]) => {
    const caller = store.read((tx) => callerOf(tx, owner));
    return () => {
      for (let time = 0; time < 20; time += 1) {
        store.transact((tx) => {
          const roleBinding = { identity: other, role: viewer };
          const { id = '' } = createRoleBinding(tx, caller, { parent: group, roleBinding });
          deleteRoleBinding(tx, caller, { id });
        });
      }
    };
  };
  const [few = 0, many = 0] = inTurns(places.map(give));
  tell('a role given and taken: in an organization of 20000 bindings, to one of 200', many / 20, few / 20);
}

/** The longest that nothing else got a turn in the first seconds after a start. */
async function waiting(count: number): Promise<number> {
  const name = `events-${count}`;
  const filled = await open(name);
  filled.store.transact((tx) => {
    seedDemo(tx);
    tx.run(
      `INSERT INTO subscriptions (id, parent, sink, after_seq, created_at, updated_at)
       VALUES (?, ?, 'http://127.0.0.1:9', 0, 0, 0)`,
      `${organization}/${hex(1)}`,
      organization,
    );
    for (let index = 0; index < count; index += 1) {
      tx.run(
        `INSERT INTO outbox (id, type, source, subject, group_id, extensions, body, actor, audience, created_at)
         VALUES (?, 'a.b', 'https://here.example', ?, ?, '{}', '{}', '{}', 'customer', ?)`,
        `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
        `${organization}/${hex(index)}`,
        organization,
        tx.now,
      );
    }
  });
  await filled.stop();
  const delay = monitorEventLoopDelay({ resolution: 2 });
  delay.enable();
  const platform = await open(name);
  await sleep(4_000);
  await platform.stop();
  return delay.max / 1e6;
}

async function main(): Promise<void> {
  const platform = await open('lists');
  platform.store.transact(seedDemo);
  lists(platform);
  checks(platform);
  bindings(platform);
  await platform.stop();
  const few = await waiting(events / 100);
  const many = await waiting(events);
  tell(`the longest wait of others: ${events} events for a sink that is away, to ${events / 100}`, many, few);
}

main().finally(() => rmSync(folder, { recursive: true, force: true }));
