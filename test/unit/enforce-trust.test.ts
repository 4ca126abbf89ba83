// What cosign 2 and 3 wrote into a registry, and what has to be beside a signature: logs, timestamps, roots (enforce.md 2).

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CosignFixture, decide, payloadOf, repositoryOfFixture, repositoryWith } from '../support/enforce.ts';
import { startSigstore } from '../support/sigstore.ts';

const pem = (key: ReturnType<typeof pair>) => String(key.publicKey.export({ type: 'spki', format: 'pem' }));
const pair = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve });
const attestations = [{ name: 'sbom', predicateType: 'spdxjson' }];

describe.each(['v2', 'v3'])('what cosign %s wrote', (version) => {
  const fixtures = JSON.parse(
    readFileSync(join(import.meta.dirname, `../fixtures/cosign/${version}.json`), 'utf8'),
  ) as Record<string, CosignFixture> & { publicKey: string };
  const key = { data: fixtures.publicKey };
  const names = Object.keys(fixtures).filter((name) => !['cosign', 'publicKey'].includes(name));
  const ask = (name: string, authority: object, changed: Partial<CosignFixture> = {}) => {
    const fixture = { ...(fixtures[name] as CosignFixture), ...changed };
    return decide(repositoryOfFixture(fixture), fixture.digest, { authorities: [{ key, ...authority }] });
  };

  test.each(names)('%s is found in its form, with its own key and no other', async (name) => {
    const [isSigned, isAttested] = [/signed|both/.test(name), /attested|both/.test(name)];
    expect((await ask(name, {})).result).toBe(isSigned ? 'PASS' : 'FAIL');
    expect((await ask(name, { attestations })).result).toBe(isAttested ? 'PASS' : 'FAIL');
    const other = { key: { data: pem(pair()) } };
    expect((await ask(name, other)).result).toBe('FAIL');
    expect((await ask(name, { ...other, attestations })).result).toBe('FAIL');
  });

  test('nothing of it counts for another image', async () => {
    for (const name of names) {
      const { digest, manifests } = fixtures[name] as CosignFixture;
      const moved = digest.replace(/[0-9a-f]{8}$/, '00000000');
      const renamed = Object.fromEntries(
        Object.entries(manifests).map(([at, one]) => [at.replace(digest.slice(7), moved.slice(7)), one]),
      );
      for (const more of [{}, { attestations }]) {
        expect((await ask(name, more, { digest: moved, manifests: renamed })).result).toBe('FAIL');
      }
    }
  });

  test('a policy that wants a log has none of it', async () => {
    expect((await ask(names[0] ?? '', { ctlog: { url: 'https://rekor.sigstore.dev' } })).text).toContain(
      'there is no trust root of sigstore',
    );
  });
});

describe('certificates, logs and timestamps', () => {
  const digest = `sha256:${'c'.repeat(64)}`;
  const payload = payloadOf(digest);
  const who = { identity: 'dev@example.com', issuer: 'https://accounts.example.com' };
  const identities = [{ issuer: who.issuer, subject: who.identity }];
  const url = 'https://fulcio.sigstore.dev';
  let own: Awaited<ReturnType<typeof startSigstore>>;
  let other: typeof own;
  beforeAll(async () => {
    [own, other] = [await startSigstore(), await startSigstore()];
  });
  const signed = async (beside: { log?: boolean; stamp?: boolean }, from = own) =>
    repositoryWith(digest, [{ payload, annotations: await from.signPayload(payload, who, beside) }]);
  const roots =
    (named: Record<string, object>, stored: object | undefined = undefined) =>
    async (name: string | undefined) =>
      name === undefined ? stored : named[name];

  test('cosign 2 without a key: its own root, its own log, its own payload', async () => {
    const authorities = [{ keyless: { url, identities } }];
    const good = await signed({ log: true });
    expect((await decide(good, digest, { authorities }, { trustRoot: roots({}, own.root) })).result).toBe('PASS');
    expect((await decide(good, digest, { authorities }, { trustRoot: roots({}, other.root) })).result).toBe('FAIL');
    const unlogged = await decide(await signed({}), digest, { authorities }, { trustRoot: roots({}, own.root) });
    expect(unlogged.text).toContain('expected 1 tlog entries, got 0');
    const annotations = await own.signPayload(payloadOf(`sha256:${'d'.repeat(64)}`), who, { log: true });
    const forged = repositoryWith(digest, [{ payload, annotations }]);
    expect((await decide(forged, digest, { authorities }, { trustRoot: roots({}, own.root) })).result).toBe('FAIL');
  });

  test('a root that the policy names needs no log, and its certificate then counts while it is valid', async () => {
    const authorities = [{ keyless: { url, identities, trustRootRef: 'own' } }];
    const trustRoot = roots({ own: { ...own.root, tlogs: [], timestampAuthorities: [] } });
    const place = await signed({});
    expect((await decide(place, digest, { authorities }, { trustRoot })).result).toBe('PASS');
    const later = () => Date.now() + 3_600_000;
    expect((await decide(place, digest, { authorities }, { trustRoot, now: later })).result).toBe('FAIL');
    // A log that nobody asked for and nobody knows does no harm.
    expect((await decide(await signed({ log: true }), digest, { authorities }, { trustRoot })).result).toBe('PASS');
    const missing = await decide(place, digest, { authorities }, { trustRoot: roots({}) });
    expect(missing.text).toContain('there is no trust root own');
  });

  test('a named root without certificate logs wants to hear that none is needed', async () => {
    const trustRoot = roots({ own: { ...own.root, ctlogs: [] } });
    const keyless = { url, identities, trustRootRef: 'own' };
    const place = await signed({ log: true });
    expect((await decide(place, digest, { authorities: [{ keyless }] }, { trustRoot })).text).toContain('SCT');
    const ignoring = { keyless: { ...keyless, insecureIgnoreSCT: true } };
    expect((await decide(place, digest, { authorities: [ignoring] }, { trustRoot })).result).toBe('PASS');
  });

  test('each part of the trust comes from where the policy says', async () => {
    const trustRoot = roots({
      signers: { ...own.root, tlogs: other.root.tlogs, timestampAuthorities: [] },
      logs: { ...other.root, tlogs: own.root.tlogs },
      stamps: { ...other.root, timestampAuthorities: own.root.timestampAuthorities },
      foreign: other.root,
    });
    const keyless = { url, identities, trustRootRef: 'signers' };
    const ask = async (beside: { log?: boolean; stamp?: boolean }, more: object) => {
      const found = await decide(await signed(beside), digest, { authorities: [{ keyless, ...more }] }, { trustRoot });
      return found.result === 'PASS' ? 'PASS' : `${found.result} ${found.text}`;
    };
    expect(await ask({ log: true }, { ctlog: { trustRootRef: 'logs' } })).toBe('PASS');
    expect(await ask({ log: true }, { ctlog: { trustRootRef: 'foreign' } })).toMatch(/^FAIL/);
    expect(await ask({ log: true }, { ctlog: { publicKey: { data: own.logKey } } })).toBe('PASS');
    expect(await ask({ log: true }, { ctlog: { publicKey: { data: other.logKey } } })).toMatch(/^FAIL/);
    expect(await ask({ stamp: true }, { rfc3161timestamp: { trustRootRef: 'stamps' } })).toBe('PASS');
    expect(await ask({ stamp: true }, { rfc3161timestamp: { trustRootRef: 'foreign' } })).toMatch(/^FAIL/);
    expect(await ask({ stamp: true, log: true }, { rfc3161timestamp: { trustRootRef: 'stamps' } })).toBe('PASS');
  });

  test('the time of a log is no signed timestamp', async () => {
    const trustRoot = roots({ own: own.root });
    const authorities = [
      { keyless: { url, identities, trustRootRef: 'own' }, rfc3161timestamp: { trustRootRef: 'own' } },
    ];
    const logged = await decide(await signed({ log: true }), digest, { authorities }, { trustRoot });
    expect(logged.text).toContain('expected 1 timestamps, got 0');
  });

  test('a key with a log, with a timestamp, and with neither', async () => {
    const key = pair();
    const trustRoot = roots({ own: own.root, other: other.root });
    const ask = async (beside: { log?: boolean; stamp?: boolean }, more: object, data = pem(key)) => {
      const place = repositoryWith(digest, [{ payload, annotations: await own.signPayload(payload, { key }, beside) }]);
      return (await decide(place, digest, { authorities: [{ key: { data }, ...more }] }, { trustRoot })).result;
    };
    expect(await ask({}, {})).toBe('PASS');
    expect(await ask({}, { ctlog: { trustRootRef: 'own' } })).toBe('FAIL');
    expect(await ask({ log: true }, { ctlog: { trustRootRef: 'own' } })).toBe('PASS');
    expect(await ask({ log: true }, { ctlog: { trustRootRef: 'other' } })).toBe('FAIL');
    expect(await ask({ log: true }, { ctlog: { trustRootRef: 'own' } }, pem(pair()))).toBe('FAIL');
    // Of several keys in one PEM the first counts, as in policy-controller.
    expect(await ask({ log: true }, { ctlog: { trustRootRef: 'own' } }, pem(key) + pem(pair()))).toBe('PASS');
    expect(await ask({ log: true }, { ctlog: { trustRootRef: 'own' } }, pem(pair()) + pem(key))).toBe('FAIL');
    expect(await ask({ stamp: true }, { rfc3161timestamp: { trustRootRef: 'own' } })).toBe('PASS');
    expect(await ask({}, { rfc3161timestamp: { trustRootRef: 'own' } })).toBe('FAIL');
  });

  test.each(['P-384', 'P-521'])('a key on %s signs with the hash of its curve', async (curve) => {
    const key = pair(curve);
    const trustRoot = roots({ own: own.root });
    const place = repositoryWith(digest, [
      { payload, annotations: await own.signPayload(payload, { key }, { stamp: true }) },
    ]);
    const ask = async (data: string) => {
      const authorities = [{ key: { data }, rfc3161timestamp: { trustRootRef: 'own' } }];
      return (await decide(place, digest, { authorities }, { trustRoot })).result;
    };
    expect(await ask(pem(key))).toBe('PASS');
    expect(await ask(pem(pair(curve)))).toBe('FAIL');
  });

  test('an authority of certificates in the policy itself needs no root', async () => {
    const keyless = { 'ca-cert': { data: own.rootCertificate }, identities };
    expect((await decide(await signed({}), digest, { authorities: [{ keyless }] })).result).toBe('PASS');
    const foreign = { 'ca-cert': { data: other.rootCertificate }, identities };
    expect((await decide(await signed({}), digest, { authorities: [{ keyless: foreign }] })).result).toBe('FAIL');
  });
});
