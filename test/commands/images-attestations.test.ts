import { sign } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { digestOf } from '../platform/registry-client.ts';
import { dsseType, inTotoType, spdxOf, spdxType, withAttestedImages } from '../support/attested-images.ts';
import { temporaryFolder } from '../support/platform.ts';
import { startSigstore } from '../support/sigstore.ts';

// Each of these tests is dozens of commands against one platform.
vi.setConfig({ testTimeout: 120_000 });

const a = 'pkg:npm/a@1';
const b = 'pkg:npm/b@1';

/** A part of a test that shares one platform with the others: each start costs seconds. */
async function step(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Error) error.message = `${name}: ${error.message}`;
    throw error;
  }
}

const each =
  <Row extends readonly unknown[]>(rows: readonly Row[]) =>
  async (name: string, work: (row: Row) => Promise<void>): Promise<void> => {
    for (const row of rows) await step(name.replace('%s', String(row[0])), () => work(row));
  };

test('an SBOM is found wherever it lies', async () => {
  const world = await withAttestedImages('example.com/places');
  /** What `images diff` says came with the image, after one that holds nothing but `a`. */
  const added = async (reference: string, ...flags: string[]) => {
    const { out, err, code } = await world.run('diff', world.image('base'), world.image(reference), '-t-', ...flags);
    if (code !== 0) return err;
    return JSON.parse(out).packages.added?.map(({ reference: purl }: { reference: string }) => purl);
  };
  const base = await world.push('base');
  await world.attach(base, world.statement(base, spdxType, spdxOf(a)));

  await step('on the last page of a list of referrers', async () => {
    const image = await world.push('pages');
    const note = 'x'.repeat(700_000);
    const statement = world.statement(image, spdxType, spdxOf(a, b));
    for (let count = 0; count < 8; count += 1) {
      await world.attach(image, `signature ${count}`, {
        type: 'application/octet-stream',
        artifactType: 'application/vnd.example.signature',
        annotations: { note, count: String(count) },
      });
    }
    // The one with the highest digest comes last.
    for (let count = 0; ; count += 1) {
      const digest = await world.attach(image, `${statement}${' '.repeat(count)}`);
      const pages = [];
      let path = `/v2/${world.name}/referrers/${image}`;
      for (;;) {
        const { json, headers } = await world.client.request('GET', path);
        pages.push(json.manifests.map((one: { digest: string }) => one.digest));
        const next = /<([^>]*)>/.exec(headers.get('link') ?? '')?.[1];
        if (next === undefined) break;
        path = next;
      }
      expect(pages.length).toBeGreaterThan(1);
      if (pages[0].includes(digest)) {
        await world.client.request('DELETE', `/v2/${world.name}/manifests/${digest}`);
        continue;
      }
      break;
    }
    expect(await added('pages')).toEqual([b]);
  });

  await each<readonly [string, string, unknown, readonly string[]]>([
    ['SPDX with a version', 'https://spdx.dev/Document/v2.3', spdxOf(a, b), [b]],
    ["in cosign's frame", spdxType, { Data: JSON.stringify(spdxOf(a, b)), Timestamp: '2026-01-01T00:00:00Z' }, [b]],
    ['as text', spdxType, JSON.stringify(spdxOf(a, b)), [b]],
    [
      'CycloneDX',
      'https://cyclonedx.org/bom',
      {
        bomFormat: 'CycloneDX',
        specVersion: '1.6',
        metadata: { component: { name: 'image', purl: 'pkg:oci/image' } },
        components: [
          { name: 'a', version: '1', purl: a, components: [{ name: 'b', version: '1', purl: b }] },
          { name: 'a file' },
        ],
      },
      [b],
    ],
    [
      'CycloneDX with a version',
      'https://cyclonedx.org/bom/v1.6',
      { bomFormat: 'CycloneDX', components: [{ purl: b }] },
      [b],
    ],
  ])('%s', async ([what, type, predicate, expected]) => {
    const tag = what.replace(/\W+/g, '-');
    const image = await world.push(tag);
    for (const tagged of [false, true]) {
      await world.attach(image, world.statement(image, type, predicate), { tagged });
    }
    expect(await added(tag)).toEqual(expected);
  });

  await each<readonly [string, string, unknown, string]>([
    [
      'SPDX 3',
      spdxType,
      { '@context': 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld', '@graph': [] },
      'an SBOM in SPDX 3.0.1',
    ],
    ['tag-value text', spdxType, 'SPDXVersion: SPDX-2.2\nPackageName: a\n', 'an SBOM in SPDX 2.2 as tag-value text'],
    ['provenance', 'https://slsa.dev/provenance/v1', {}, 'https://slsa.dev/provenance/v1'],
  ])('what is there instead is named: %s', async ([what, type, predicate, expected]) => {
    const tag = what.replace(/\W+/g, '-');
    const image = await world.push(tag);
    await world.attach(image, world.statement(image, type, predicate));
    const said = await added(tag);
    expect(said).toContain(`error: No SBOM attestation found for ${world.image(tag)}@${image}`);
    expect(said).toContain(`hint: what is attached to it is ${expected}`);
  });

  await step('an SBOM of another image, a signature, and nothing at all', async () => {
    const image = await world.push('foreign');
    expect(await added('foreign')).toContain('hint: nothing is attached to it; `cosign attest --type spdxjson`');
    await world.attach(image, world.statement(base, spdxType, spdxOf(a)));
    await world.attach(image, 'x', { type: 'text/plain', artifactType: 'application/vnd.example.signature' });
    const said = await added('foreign');
    expect(said).toContain('an SBOM that speaks of another image');
    expect(said).toContain('application/vnd.example.signature');
  });

  await step('attested of the index, found by the platforms of it; nested indexes and variants', async () => {
    const arm = await world.push('arm');
    const amd = await world.push('amd');
    const v3 = await world.push('v3');
    const attestation = await world.push('attestation');
    const inner = await world.pushIndex('inner', [{ digest: arm, platform: { os: 'linux', architecture: 'arm64' } }]);
    const index = await world.pushIndex('index', [
      { digest: v3, platform: { os: 'linux', architecture: 'amd64', variant: 'v3' } },
      { digest: inner },
      { digest: amd, platform: { os: 'linux', architecture: 'amd64' } },
      { digest: attestation, platform: { os: 'unknown', architecture: 'unknown' } },
    ]);
    await world.attach(amd, world.statement(amd, spdxType, spdxOf(b)));
    await world.attach(v3, world.statement(v3, spdxType, spdxOf('pkg:npm/v3@1')));
    await world.attach(inner, world.statement(inner, spdxType, spdxOf('pkg:npm/inner@1')), { tagged: true });
    const against = async (platform: string) => {
      const { out, err } = await world.run(
        'diff',
        world.image('base'),
        world.image('index'),
        '-t-',
        `--platform=${platform}`,
      );
      return out === '' ? err : JSON.parse(out).packages.added.map(({ name }: { name: string }) => name);
    };
    expect(await against('linux/amd64')).toEqual(['b']);
    expect(await against('linux/amd64/v3')).toEqual(['v3']);
    expect(await against('linux/arm64/v8')).toEqual(['inner']);
    const none = await against('linux/s390x');
    expect(none).toContain('has no image for linux/s390x');
    expect(none).toContain('hint: there are linux/amd64/v3, linux/amd64, linux/arm64\n');
    expect(index).toMatch(/^sha256:/);
  });

  await step('types that neither image has are named, with those they have', async () => {
    const { out, err } = await world.run('diff', world.image('base'), world.image('base'));
    expect(JSON.parse(out).packages).toEqual({});
    expect(err).toContain('Neither image has packages of type "apk"; in both together there are npm (2).');
    expect((await world.run('diff', world.image('base'), world.image('base'), '-tnpm')).err).not.toContain('Neither');
  });
});

test('changelog: a build without an SBOM is marked, and compared across; one that is too large is passed over', async () => {
  const world = await withAttestedImages('example.com/builds');
  const digests: string[] = [];
  for (const [at, purls] of [['pkg:npm/x@1'], undefined, ['pkg:npm/x@2'], 'large', ['pkg:npm/x@2']].entries()) {
    const digest = await world.client.pushImage(world.name, 'latest', `build ${at}`);
    digests.unshift(digest);
    if (Array.isArray(purls)) await world.attach(digest, world.statement(digest, spdxType, spdxOf(...purls)));
    if (purls === 'large') await world.attach(digest, Buffer.alloc(128 * 1024 * 1024 + 1, ' '));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { out, code } = await world.run('changelog', world.image('latest'), '-ojson');
  expect(code).toBe(0);
  const builds = JSON.parse(out);
  const unverified = 'it is not signed';
  expect(builds).toMatchObject([
    { digest: digests[0], packages: {}, comparedWith: digests[2], unverified },
    { digest: digests[1], packages: null, reason: expect.stringContaining('at most 128 MiB are read') },
    {
      digest: digests[2],
      comparedWith: digests[4],
      packages: { changed: [{ previous: { version: '1' }, current: { version: '2' } }] },
    },
    { digest: digests[3], packages: null, reason: expect.stringContaining('No SBOM attestation found') },
    { digest: digests[4], packages: null, reason: 'The oldest build that is known.' },
  ]);
  const text = (await world.run('changelog', world.image('latest'))).out;
  expect(text).toContain(`  Compared with ${digests[4]}, the next older build with an SBOM:\n  ~ x 1 -> 2\n`);
  // The last one shown looks further back than what is shown.
  const short = JSON.parse((await world.run('changelog', world.image('latest'), '-ojson', '--depth=3')).out);
  expect(short).toEqual(builds.slice(0, 3));
  const table = (await world.run('changelog', world.image('latest'), '-otable')).out;
  expect(table.match(/unknown/g)).toHaveLength(3);
});

test('signatures of SBOM attestations', async () => {
  const world = await withAttestedImages('example.com/signed');
  const sigstore = await startSigstore();
  const folder = temporaryFolder();
  const identity = 'https://github.com/acme/app/.github/workflows/release.yaml@refs/heads/main';
  const issuer = 'https://token.actions.githubusercontent.com';
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const root = file('trusted_root.json', JSON.stringify(sigstore.root));
  const who = [`--certificate-identity=${identity}`, `--certificate-oidc-issuer=${issuer}`];
  const annotated = (signature: Awaited<ReturnType<typeof sigstore.sign>>) => ({
    type: dsseType,
    layerAnnotations: { predicateType: spdxType, ...signature.annotations },
  });
  const diff = async (tag: string, ...flags: string[]) => {
    const { out, err, code } = await world.run('diff', world.image(tag), world.image(tag), '-t-', ...flags);
    return { code, err, document: out === '' ? undefined : JSON.parse(out) };
  };
  const signed = async (tag: string) => {
    const image = await world.push(tag);
    return { image, signature: await sigstore.sign(world.statement(image, spdxType, spdxOf(a)), identity, issuer) };
  };

  await each<readonly [string]>([['annotations of cosign'], ['a bundle']])('without a key: %s', async ([form]) => {
    const tag = form.replace(/\W+/g, '-');
    const { image, signature } = await signed(tag);
    if (form === 'a bundle') {
      const type = 'application/vnd.dev.sigstore.bundle.v0.3+json';
      await world.attach(image, JSON.stringify(signature.bundle), { type, artifactType: type });
    } else await world.attach(image, JSON.stringify(signature.envelope), { ...annotated(signature), tagged: true });

    const good = await diff(tag, ...who, `--trusted-root=${root}`, '--require-signature');
    expect(good.err).not.toContain('verified');

    expect(good).toMatchObject({ code: 0, document: { packages: {} } });
    expect(good.document).not.toHaveProperty('unverified');

    const nobody = await diff(tag, `--trusted-root=${root}`);
    expect(nobody.document.unverified).toHaveLength(2);
    expect(nobody.document.unverified[0]).toEqual({
      image: world.image(tag),
      digest: image,
      reason: expect.stringContaining(
        `it is signed by "${identity}" (issuer ${issuer}), which is not a trusted signer`,
      ),
    });
    const other = await diff(
      tag,
      `--certificate-identity=${identity}x`,
      who[1] ?? '',
      `--trusted-root=${root}`,
      '--require-signature',
    );
    expect(other).toMatchObject({ code: 1, document: undefined });
    expect(other.err).toContain('not by the one that `--certificate-identity` names');
    // The identity is no pattern.
    const pattern = await diff(
      tag,
      '--certificate-identity=.*',
      '--certificate-oidc-issuer=.*',
      `--trusted-root=${root}`,
    );
    expect(pattern.document.unverified).toHaveLength(2);

    const rootless = await diff(tag, ...who);
    expect(rootless.document.unverified[0].reason).toContain('there is no trust root to check it with');
    // What cosign has stored is found.
    const stored = join(world.env.TUF_ROOT, 'tuf-repo-cdn.sigstore.dev', 'targets');
    mkdirSync(stored, { recursive: true });
    writeFileSync(join(stored, 'trusted_root.json'), JSON.stringify(sigstore.root));
    expect((await diff(tag, ...who)).document).not.toHaveProperty('unverified');
    writeFileSync(join(stored, 'trusted_root.json'), '{}');

    const foreign = await startSigstore();
    const elsewhere = await diff(tag, ...who, `--trusted-root=${file('other.json', JSON.stringify(foreign.root))}`);
    expect(elsewhere.document.unverified[0].reason).toContain('does not hold');
  });

  await step('a document that somebody changed under a good certificate is refused', async () => {
    const { image, signature } = await signed('changed');
    const envelope = {
      ...signature.envelope,
      payload: Buffer.from(world.statement(image, spdxType, spdxOf(a, b))).toString('base64'),
    };
    await world.attach(image, JSON.stringify(envelope), annotated(signature));
    const forged = await diff('changed', `--trusted-root=${root}`);
    expect(forged).toMatchObject({ code: 1, document: undefined });
    expect(forged.err).toContain('cannot be trusted');
  });

  await step('a key of one’s own', async () => {
    const image = await world.push('keyed');
    const [ours, other] = [newKeyPair('P-256'), newKeyPair('P-256')];
    const payload = Buffer.from(world.statement(image, spdxType, spdxOf(a)));
    const pae = Buffer.concat([Buffer.from(`DSSEv1 ${inTotoType.length} ${inTotoType} ${payload.length} `), payload]);
    const envelope = {
      payloadType: inTotoType,
      payload: payload.toString('base64'),
      signatures: [{ keyid: '', sig: sign('sha256', pae, ours.privateKey).toString('base64') }],
    };
    await world.attach(image, JSON.stringify(envelope), { type: dsseType });
    const pem = (key: typeof ours) => key.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const good = await diff('keyed', `--key=${file('cosign.pub', pem(ours))}`, '--require-signature');
    expect(good).toMatchObject({ code: 0, document: { packages: {} } });
    const wrong = await diff('keyed', `--key=${file('other.pub', pem(other))}`);
    expect(wrong.document.unverified[0].reason).toBe('it is signed by another key than the one in --key');
    expect((await diff('keyed', '--require-signature')).err).toContain('hint: name the trusted signer with `--key`');
    // The other commands take the same flags.
    const changelog = await world.run('changelog', world.image('keyed'), '--require-signature');
    expect([changelog.code, changelog.err]).toEqual([1, expect.stringContaining('is not verified')]);
    const advisories = await world.run(
      'advisories',
      'list',
      world.image('keyed'),
      `--key=${join(folder, 'cosign.pub')}`,
      '--require-signature',
    );
    expect(advisories.code).toBe(0);
  });

  await step('wrong flags, before anything is fetched', async () => {
    const privateKey = newKeyPair('P-256').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const [flags, message] of [
      [['--key=gone.pub'], '`--key` "gone.pub" does not exist'],
      [[`--key=${file('private.pem', privateKey)}`], 'holds a private key; name the public one'],
      [[`--key=${file('text.pem', 'x')}`], 'is no public key in PEM'],
      [[who[0] ?? ''], '`--certificate-identity` needs `--certificate-oidc-issuer`'],
      [[...who, '--key=x'], '`--key` and `--certificate-identity` exclude each other'],
    ] as const) {
      const wrong = await diff('keyed', ...flags);
      expect(wrong).toMatchObject({ code: 2, document: undefined });
      expect(wrong.err).toContain(message);
    }
    const { image, signature } = await signed('rooted');
    await world.attach(image, JSON.stringify(signature.envelope), annotated(signature));
    expect((await diff('rooted', '--trusted-root=gone.json')).err).toContain(
      '`--trusted-root` "gone.json" does not exist',
    );
    const noRoot = await diff('rooted', `--trusted-root=${file('no-root.json', '[]')}`);
    expect(noRoot.err).toContain('is no trust root of sigstore');
  });
});

test('a document that is not whole hides no other, and neither does one with two payloads', async () => {
  const world = await withAttestedImages('example.com/odd');
  const image = await world.push('latest');
  const statement = world.statement(image, spdxType, spdxOf(a, b));
  await world.attach(image, statement);
  await world.attach(image, statement.slice(0, -20), {
    annotations: { 'org.opencontainers.image.created': '2030-01-01T00:00:00Z' },
  });
  const twice = `{"payloadType":"${inTotoType}","payload":"e30=","payload":"${Buffer.from(statement).toString('base64')}"}`;
  await world.attach(image, twice, {
    type: dsseType,
    annotations: { 'org.opencontainers.image.created': '2031-01-01T00:00:00Z' },
  });
  const base = await world.push('base');
  await world.attach(base, world.statement(base, spdxType, spdxOf(a)));
  const { out } = await world.run('diff', world.image('base'), world.image('latest'), '-t-');
  expect(JSON.parse(out).packages.added).toEqual([{ name: 'b', reference: b }]);
  expect(digestOf(statement)).toMatch(/^sha256:/);
});
