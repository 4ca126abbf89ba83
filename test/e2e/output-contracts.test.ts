// What public scripts do with the output, run as they run it: shells, jq, awk, grep, loops (script-contracts 1, 2, 3, 10).

import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { audiencesOf, decodeClaims } from '../../src/auth/jwt.ts';
import { createWorld, type Person, type RunningPlatform, signIn, tokenFolder } from '../support/program.ts';

const world = createWorld();
let platform: RunningPlatform;
let dev: Person;
let host: string;

const many = 120;

beforeAll(async () => {
  platform = await world.startPlatform();
  host = platform.registryHost;
  dev = world.person('dev', platform);
  await signIn(dev, platform, 'dev@example.com', [platform.api, host]);
  // As many identities as a busy organization has, straight through the API.
  const organization = await dev.ok('iam', 'organizations', 'list', '--output=id');
  const authorization = `Bearer ${await dev.ok('auth', 'token')}`;
  for (let count = 0; count < many; count += 1) {
    const response = await fetch(`${platform.api}/iam/v1/identities/${organization}`, {
      method: 'POST',
      headers: { authorization },
      body: JSON.stringify({
        name: `bulk ${String(count).padStart(3, '0')}`,
        description: 'an identity with a long description, so that a pipe holds less than all of them '.repeat(5),
        claimMatch: { issuer: 'https://ci.example.com', subject: `job:${count}` },
      }),
    });
    if (response.status !== 200) throw new Error(await response.text());
  }
}, 60_000);

/** Runs the script and returns what it wrote; it must succeed and be silent on standard error unless told otherwise. */
async function script(text: string, stdin?: string): Promise<string> {
  const ran = await dev.sh(`set -eu\n${text}`, stdin === undefined ? {} : { stdin });
  expect(ran.code, `${text}\n${ran.err}`).toBe(0);
  expect(ran.err, text).toBe('');
  return ran.out;
}

const uidp = /^[0-9a-f]{40}(\/[0-9a-f]{16})*$/;

describe('lists under jq', () => {
  test.each<[string, string, RegExp]>([
    // 40
    [
      'the organization by its name',
      `chainctl iam organizations list -o json | jq -r '.items[] | select(.name == "example.com") | .id'`,
      uidp,
    ],
    ['the first one', `chainctl iam organizations list --output json | jq -re '.items[0].id'`, uidp],
    ['older words', `chainctl iam orgs ls -ojson | jq -re '.items[0].name'`, /^example\.com$/],
    ['an organization', `chainctl iam organizations describe example.com -ojson | jq -re .id`, uidp],
    [
      'no folder below',
      `chainctl iam folders list example.com -o json | jq -re '[.items[]?.name] | sort | length'`,
      /^\d+$/,
    ],
    // 30
    [
      'expired ones of a name',
      `for id in $(chainctl iam identities list --parent example.com --name "no such thing" --expired -o json | jq -r '.items[]?.id'); do echo "$id"; done; echo none`,
      /^none$/,
    ],
    // 32
    [
      'those whose name begins so',
      `chainctl iam ids ls --parent=example.com -o json | jq -r --arg n "bulk 00" '.items[] | select(.name | startswith($n)) | .id' | wc -l`,
      /^\s*10$/,
    ],
    [
      'the kind',
      `chainctl iam identity list --parent=example.com --type claim_match -o json | jq '.items | length'`,
      new RegExp(`^${many}$`),
    ],
    [
      'the kind in older words',
      `chainctl iam identities list --relationship pull_token -o json | jq -c '.items'`,
      /^\[\]$/,
    ],
    [
      'an empty list under `.items[]` without a question mark',
      `chainctl iam identities list --name nothing -o json | jq -r '.items[].id'`,
      /^$/,
    ],
    // "iam roles"
    [
      'a role’s capabilities',
      `chainctl iam roles list --name viewer -o json | jq -re '.items[0].capabilities | type'`,
      /^array$/,
    ],
    ['a role’s id', `chainctl iam roles list --name viewer -oid`, /^[0-9a-f]{40}$/],
    ['the pull tokens', `chainctl auth pull-token list --parent example.com -o json | jq -c '.items'`, /^\[\]$/],
    // 15, 16
    ['who one is', `chainctl auth status -o json | jq .identity | tr -d '"'`, /^[0-9a-f]{40}$/],
    [
      'whether it is good',
      `chainctl auth status --output json | jq -re '.valid, .email, (.capabilities | keys[0])'`,
      /^true\ndev@example\.com\nexample\.com$/,
    ],
    ['until when, as date reads it', `date -d "$(chainctl auth status -o json | jq -r .expiry)" +%s`, /^\d{10}$/],
    ['a version', `chainctl version -o json | jq -re 'keys[0]'`, /./],
  ])('%s', async (_, text, expected) => {
    expect((await script(text)).trim()).toMatch(expected);
  });

  test('one document on one line without blanks between tokens, and both streams together decode', async () => {
    for (const command of [
      'iam organizations list',
      'iam identities list',
      'iam roles list',
      'auth status',
      'iam folders list',
    ]) {
      const out = await script(`chainctl ${command} -o json 2>&1`);
      expect(out.split('\n')).toHaveLength(2);
      expect(out, command).toBe(`${JSON.stringify(JSON.parse(out))}\n`);
    }
  });

  test('41: without a decoder: the first byte, and the names by grep and sed', async () => {
    const text = `J="$(chainctl iam organizations list -o json)"
case "$J" in "{"*|"["*) ;; *) exit 9 ;; esac
printf '%s' "$J" | grep -o '"name":"[^"]*"' | sed 's/"name":"//; s/"$//'`;
    expect(await script(text)).toBe('example.com\n');
  });

  test('spellings of a format, before and after the words', async () => {
    const one = await script('chainctl iam organizations list -oid');
    expect(one.trim()).toMatch(uidp);
    for (const words of [
      'iam organizations list --output id',
      'iam organizations list --output=id',
      'iam organizations list -o id',
      '-oid iam organizations list',
      'iam -o id organizations list',
    ]) {
      expect(await script(`chainctl ${words}`), words).toBe(one);
    }
  });
});

describe('pipes', () => {
  test('a reader that stops early gets what it read, and nobody hears of it', async () => {
    for (const command of [
      'iam identities list -o json',
      'iam identities list -o table',
      'iam identities list -o id',
      'iam organizations list',
      'iam roles list -o json',
      'auth status',
      '--help',
      'version',
    ]) {
      const ran = await dev.sh(`chainctl ${command} | head -n 1`);
      expect(ran, command).toMatchObject({ code: 0, err: '' });
      expect(ran.out.length, command).toBeGreaterThan(0);
      const nobody = await dev.sh(`{ chainctl ${command}; echo "exit $?" >&2; } | true`);
      expect(nobody.err, command).toMatch(/^exit \d+\n$/);
    }
  });

  test('a slow reader gets all of it', async () => {
    const direct = await script('chainctl iam identities list -o json | cksum');
    const slow = await script('chainctl iam identities list -o json | { sleep 0.3; dd bs=997 2>/dev/null; } | cksum');
    expect(slow).toBe(direct);
    expect(JSON.parse(await script('chainctl iam identities list -o json')).items).toHaveLength(many);
    const table = await script('chainctl iam identities list -o table | { sleep 0.2; cat; }');
    expect(table.match(/^ [0-9a-f]{40}/gm)).toHaveLength(many);
  });

  test('no color, no cursor, no question and no warning in a pipe', async () => {
    for (const command of [
      'iam identities list',
      'iam organizations list -o table',
      'auth status',
      '--help',
      'iam roles list',
    ]) {
      // Even for somebody who could see colors on stderr.
      expect(await script(`TERM=xterm-256color chainctl ${command} 2>/dev/null`), command).not.toMatch(/[\u001b\r]/);
    }
  });

  test('the standard error may be thrown away or closed', async () => {
    const out = await script('chainctl iam organizations list -o id 2>/dev/null');
    expect(await script('chainctl iam organizations list -o id 2>&-')).toBe(out);
    const closed = await dev.sh(
      'chainctl iam organizations list -o id >&- 2>/dev/null; chainctl iam organizations describe nope >&- 2>&-; echo $?',
    );
    expect(closed.out).toBe('1\n');
  });
});

describe('loops and answers', () => {
  test('33: a loop that reads lines keeps them, whatever runs inside', async () => {
    const inside = [
      'chainctl iam organizations list -o id >/dev/null',
      'chainctl iam identities list --name "$name" -o id',
      'chainctl auth token >/dev/null',
      'chainctl iam identities describe "$name" -o id >/dev/null',
      'chainctl config view >/dev/null 2>&1',
    ];
    const text = `printf 'bulk 000\\nbulk 001\\nbulk 002\\nbulk 003\\n' | while IFS= read -r name; do\n${inside.join('\n')}\ndone`;
    const out = await script(text);
    expect(out.trim().split('\n')).toHaveLength(4);
    for (const line of out.trim().split('\n')) expect(line).toMatch(uidp);
  });

  test('ids from a file are deleted one after the other; created ones too', async () => {
    const ran = await dev.sh(`set -eu
printf 'one\\ntwo\\nthree\\n' | while read -r name; do
  chainctl iam id create "$name" --parent=example.com --identity-issuer=https://ci.example.com --subject="$name" --role=registry.pull --yes -o id
done > ids
wc -l < ids
while read -r id; do chainctl iam id delete "$id" --yes 2>/dev/null; done < ids
chainctl iam id list --name one -o id | wc -l`);
    expect(ran.code, ran.err).toBe(0);
    expect(ran.out.replaceAll(' ', '')).toBe('3\n0\n');
  });

  test('34: the id alone on standard output, also when a question was answered', async () => {
    const create = (name: string) =>
      `iam id create "${name}" --parent=example.com --identity-issuer=https://ci.example.com --subject=x -o id`;
    for (const [name, command] of [
      ['by yes', `chainctl ${create('by yes')} --yes`],
      ['by pipe', `printf 'y\\n' | chainctl ${create('by pipe')}`],
      ['by yes(1)', `yes | chainctl ${create('by yes-1')}`],
    ] as const) {
      const ran = await dev.sh(`ID=$(${command}); printf '<%s>' "$ID"`);
      expect(ran.code, `${name}: ${ran.err}`).toBe(0);
      expect(ran.out, name).toMatch(/^<[0-9a-f]{40}\/[0-9a-f]{16}>$/);
    }
    // An empty line is no answer: nothing is created by silence.
    const silent = await dev.sh(`printf '\\n' | chainctl ${create('by default')}`);
    expect(silent).toMatchObject({ code: 2, out: '' });
    expect(silent.err).toContain('--yes');
    // Only the answer is read; what follows belongs to whoever reads next.
    const rest = await dev.sh(`printf 'y\\nrest\\n' | { chainctl ${create('greedy')} >/dev/null 2>&1; cat; }`);
    expect(rest.out).toBe('rest\n');
    const none = await dev.sh(`printf 'y\\nrest\\n' | { chainctl ${create('modest')} --yes >/dev/null 2>&1; cat; }`);
    expect(none.out).toBe('y\nrest\n');
  });

  test('35: the older AWS form', async () => {
    dev.write(
      'aws.json',
      '{"name":"ecr copy","awsIdentity":{"aws_account":"123456789012","userIdPattern":"AROA.*","arnPattern":"arn:aws:sts::.*"}}',
    );
    const ran = await dev.sh('chainctl iam identities create aws --parent example.com --filename aws.json -y -oid');
    expect(ran.code, ran.err).toBe(0);
    expect(ran.out.trim()).toMatch(uidp);
  });
});

describe('tokens', () => {
  test('1, 2, 7, 8: the bytes of the token and no newline, for each audience', async () => {
    for (const audience of [platform.api, host, 'apk.cgr.dev']) {
      const ran = await dev.chainctl(['auth', 'token', '--audience', audience]);
      expect(ran.err).toBe('');
      expect(ran.out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      expect(audiencesOf(decodeClaims(ran.out) ?? {})).toEqual([audience]);
    }
    // The login was made with a file that is still there. Without it there is nothing to get one more audience with.
    const file = join(dev.home, 'dev@example.com.jwt');
    renameSync(file, `${file}.away`);
    const ran = await dev.chainctl(['auth', 'token', '--audience', 'libraries.cgr.dev']);
    renameSync(`${file}.away`, file);
    expect(ran).toMatchObject({ code: 4, out: '' });
    expect(ran.err).toMatch(/not authenticated/i);
    expect(
      await script(
        `test "$(chainctl auth token | wc -c)" = "$(cat '${tokenFolder(dev, platform.api)}/oidc-token' | wc -c)" && echo same`,
      ),
    ).toBe('same\n');
  });

  test('10: curl with it as a bearer', async () => {
    const out = await script(
      `curl -sSf -H "Authorization: Bearer $(chainctl auth token)" '${platform.api}/iam/v1/groups' | jq -re '.items[0].id'`,
    );
    expect(out.trim()).toMatch(uidp);
  });

  test('11, 12: without a login: empty, a failing status, and the words that wrappers look for', async () => {
    const stranger = world.person('stranger', platform);
    const ran = await stranger.sh(
      'T=$(chainctl auth token 2>err) && exit 9; test -z "$T" || exit 8; grep -qi "not authenticated" err || exit 7; chainctl auth status >/dev/null 2>&1 && exit 6; chainctl iam organizations list 2>&1 >out | grep -qi login || exit 5; test ! -s out',
    );
    expect(ran.code).toBe(0);
  });

  test('13, 14: rows of `auth status`', async () => {
    expect(await script(`chainctl auth status | awk -F'|' '/Email/ {gsub(/ /, "", $2); print $2}'`)).toBe(
      'dev@example.com\n',
    );
    expect(await script('chainctl auth status | grep -q "Valid.*True" && echo yes')).toBe('yes\n');
    expect(await script('chainctl auth status | head -6 | wc -l')).toMatch(/^\s*[56]\n$/);
  });

  test('24–29: pull tokens as json, env, text; the credentials work', async () => {
    const json = await script('chainctl auth pull-token --ttl 1h --output json 2>/dev/null');
    expect(json).toBe(`${JSON.stringify(JSON.parse(json))}\n`);
    expect(Object.keys(JSON.parse(json))).toEqual(['identity_id', 'token']);
    const pull = `curl -sS -o /dev/null -w '%{http_code}' -u "$CHAINGUARD_IDENTITY_ID:$CHAINGUARD_TOKEN" '${platform.registry}/token?service=${host}&scope=repository:example.com/app:pull'`;
    const evaluated = await dev.sh(`eval $(chainctl auth pull-token --output env --parent=example.com); ${pull}`);
    expect(evaluated.out, evaluated.err).toBe('200');
    const quoted = await dev.sh(`eval "$(chainctl auth pull-token create -o env --repository=oci)"; ${pull}`);
    expect(quoted.out, quoted.err).toBe('200');
    const java = await dev.sh(
      'chainctl auth pull-token --library-ecosystem=java --parent=example.com --name=n --ttl=1h -o env',
    );
    expect(java.out).toMatch(/^export CHAINGUARD_JAVA_IDENTITY_ID=\S+\nexport CHAINGUARD_JAVA_TOKEN=\S+\n$/);
    const apk = await dev.sh(
      `X=$(chainctl auth pull-token create --repository=apk --parent=example.com); printf '%s\\n' "$X" | grep -c '^Username: '; printf '%s\\n' "$X" | awk '/^Password:/ {print (length($2) > 100)}'`,
    );
    expect(apk.out).toBe('1\n1\n');
    const text = await dev.sh(`chainctl auth pull-token --parent=example.com | grep -oE -- '--username "[^"]+"'`);
    expect(text.out).toMatch(/^--username "[0-9a-f]{40}\/[0-9a-f]{16}"\n$/);
    const odd = await dev.sh('chainctl auth pull-token --parent=example.com -o csv');
    expect(odd.code).toBe(0);
    expect(odd.err).toContain('csv');
    expect(odd.out).toContain('docker login "');
    const listed = JSON.parse(await dev.ok('auth', 'pull-token', 'list', '--parent=example.com', '-o', 'json'));
    expect(listed.items.length).toBeGreaterThanOrEqual(5);
    for (const item of listed.items)
      expect(item).toMatchObject({ id: expect.stringMatching(uidp), name: expect.any(String) });
  });

  test('17–19: logins of CI actions', async () => {
    const created = await dev.ok(
      ...['iam', 'identities', 'create', 'github', 'action', '--github-repo=acme/action', '--parent=example.com'],
      ...['--role=registry.pull,viewer', '-y', '-o', 'id'],
    );
    const runner = world.person('runner', platform);
    const jwt = await runner.ok(
      'local',
      'token',
      'github',
      '--repo=acme/action',
      '--ref=refs/heads/main',
      '--data-dir',
      platform.dataDir,
    );
    const ran = await runner.sh(
      `set -e; i=${created}; t="${jwt}"
chainctl auth login --identity "$i" --identity-token "$t" -v=0 </dev/null
chainctl auth login --identity="$i" --identity-token="$t" --audience ${host} -v=2 </dev/null
chainctl auth configure-docker --identity "$i" --identity-token "$t" -v=0
chainctl auth login --create-group=false --identity "$i" --identity-token "$t" --sts-http1-downgrade`,
      { env: { CI: 'true', CHAINCTL_CONFIG: '', CHAINCTL_DEBUG: 'true' } },
    );
    expect(ran.code, ran.err).toBe(0);
    expect(ran.out + ran.err).not.toContain(jwt.split('.')[2] ?? jwt);
    expect(JSON.parse(runner.read('.docker/config.json')).credHelpers).toEqual({ [host]: 'cgr' });
    // 72: read without a command.
    expect((await runner.sh(`cat ~/.cache/chainguard/${platform.api.replaceAll('/', '-')}/oidc-token`)).out).toMatch(
      /^[\w-]+\.[\w-]+\.[\w-]+$/,
    );
  });

  test('logout with --output=none says nothing on standard output', async () => {
    const person = world.person('leaving', platform);
    await signIn(person, platform);
    expect(await person.chainctl(['auth', 'logout', `--audience=${platform.api}`, '--output=none'])).toMatchObject({
      code: 0,
      out: '',
    });
    expect((await person.chainctl(['auth', 'status'])).code).toBe(4);
  });
});

test('68: version by grep, on either stream', async () => {
  expect(await script("chainctl version 2>&1 | grep -cE 'GitVersion:[[:space:]]+[0-9]+\\.[0-9]+'")).toBe('1\n');
});
