// The certificates of one authority (RFC 5280): a root, what signs certificates of signers, and what signs timestamps.
// Guarantees: keys are made by the first request, once for all processes; a signer's certificate is good for ten
// minutes and says what Fulcio's do: who signs, and which issuer vouched.

import { createPrivateKey, type KeyObject, type webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { PlatformClock } from '../core/types.ts';
import type { SqlRow, Store, Tx } from '../store/database.ts';
import { tagged } from './der.ts';

/** Content of the column `secrets`. Keys are PKCS #8, everything is PEM. */
interface Kept {
  readonly root: string;
  readonly signer: string;
  readonly signerKey: string;
  readonly timestamper: string;
  readonly timestamperKey: string;
}

export interface Authority {
  readonly name: string;
  /** The certificate that signs, and the root; PEM each. */
  readonly chain: readonly [signer: string, root: string];
  /** The certificate that timestamps, and the root; PEM each. */
  readonly timestampChain: readonly [timestamper: string, root: string];
  readonly timestampKey: KeyObject;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Returns the certificate for this key, PEM. */
  issue(subject: Signer, publicKey: KeyObject): Promise<string>;
}

/** Subject of a certificate: an address that the issuer has verified, or the URL of an identity. */
export interface Signer {
  readonly issuer: string;
  readonly name: { readonly type: 'email' | 'url'; readonly value: string };
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const yearMs = 365 * 24 * 3600 * 1000;
const lifeMs = 10 * 60 * 1000;
/** Of an authority: longer than anybody keeps a local platform. */
const authorityLifeMs = 10 * yearMs;
const codeSigning = '1.3.6.1.5.5.7.3.3';
const timeStamping = '1.3.6.1.5.5.7.3.8';
/** Fulcio's extensions: the issuer as bare bytes, and as a string of DER. */
const issuerV1 = '1.3.6.1.4.1.57264.1.1';
const issuerV2 = '1.3.6.1.4.1.57264.1.8';

/** Undefined when there is no such authority. */
export async function openAuthority(
  store: Store,
  clock: PlatformClock,
  handle: string,
): Promise<Authority | undefined> {
  const row = store.read((tx) => find(tx, handle));
  if (row === undefined) return undefined;
  const kept = keptIn(row) ?? (await keep(store, handle, await make(clock, String(row['name']), row)));
  return kept === undefined ? undefined : toAuthority(clock, row, kept);
}

const find = (tx: Tx, handle: string): SqlRow | undefined =>
  tx.get('SELECT * FROM sigstore_authorities WHERE handle = ?', handle);

// Only this module writes the column.
const keptIn = (row: SqlRow): Kept | undefined =>
  row['secrets'] === null ? undefined : (JSON.parse(String(row['secrets'])) as Kept);

/**
 * Another request may have made them meanwhile, and theirs are out already. Undefined when the authority was deleted.
 */
const keep = (store: Store, handle: string, made: Kept): Kept | undefined =>
  store.transact((tx) => {
    tx.run(
      'UPDATE sigstore_authorities SET secrets = ? WHERE handle = ? AND secrets IS NULL',
      JSON.stringify(made),
      handle,
    );
    const row = find(tx, handle);
    return row === undefined ? undefined : keptIn(row);
  });

async function make(clock: PlatformClock, name: string, row: SqlRow): Promise<Kept> {
  const notBefore = toDate(Number(row['created_at']));
  const life = { notBefore, notAfter: new Date(notBefore.getTime() + authorityLifeMs) };
  const [rootKeys, signerKeys, timestampKeys] = await Promise.all([newKeys(), newKeys(), newKeys()]);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...life,
    serialNumber: serial(clock),
    name: distinguished(name, 'root'),
    keys: rootKeys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  });
  const below = async (
    use: string,
    keys: webcrypto.CryptoKeyPair,
    extensions: readonly x509.Extension[],
  ): Promise<string> => {
    const certificate = await x509.X509CertificateGenerator.create({
      ...life,
      serialNumber: serial(clock),
      subject: distinguished(name, use),
      issuer: root.subjectName,
      publicKey: keys.publicKey,
      signingKey: rootKeys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        ...extensions,
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(rootKeys.publicKey),
      ],
    });
    return pem(certificate);
  };
  const signer = await below('signer', signerKeys, [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    new x509.ExtendedKeyUsageExtension([codeSigning]),
  ]);
  const timestamper = await below('timestamps', timestampKeys, [
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    // RFC 3161, 2.3: this use alone, and critical.
    new x509.ExtendedKeyUsageExtension([timeStamping], true),
  ]);
  return {
    root: pem(root),
    signer,
    signerKey: await privatePem(signerKeys),
    timestamper,
    timestamperKey: await privatePem(timestampKeys),
  };
}

function toAuthority(clock: PlatformClock, row: SqlRow, kept: Kept): Authority {
  const issuing = new x509.X509Certificate(kept.signer);
  return {
    name: String(row['name']),
    chain: [kept.signer, kept.root],
    timestampChain: [kept.timestamper, kept.root],
    timestampKey: createPrivateKey(kept.timestamperKey),
    since: toDate(Number(row['created_at'])).getTime(),
    async issue({ issuer, name }, publicKey) {
      const notBefore = toDate(clock.now());
      const key = new x509.PublicKey(publicKey.export({ type: 'spki', format: 'der' }));
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serial(clock),
        // Nameless, so the alternative name is critical (RFC 5280, 4.2.1.6).
        subject: '',
        issuer: issuing.subjectName,
        notBefore,
        notAfter: new Date(notBefore.getTime() + lifeMs),
        publicKey: key,
        signingKey: await importKey(kept.signerKey),
        signingAlgorithm: algorithm,
        extensions: [
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([codeSigning]),
          await x509.SubjectKeyIdentifierExtension.create(key),
          await x509.AuthorityKeyIdentifierExtension.create(issuing.publicKey),
          new x509.SubjectAlternativeNameExtension([name], true),
          new x509.Extension(issuerV1, false, Buffer.from(issuer)),
          new x509.Extension(issuerV2, false, utf8String(issuer)),
        ],
      });
      return pem(certificate);
    },
  };
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

const privatePem = async ({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> =>
  x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY');

const importKey = (text: string): Promise<webcrypto.CryptoKey> =>
  crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(text), algorithm, false, ['sign']);

const pem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

/** Commas and the like in a name would be read as further parts of it. */
const distinguished = (name: string, use: string): x509.JsonName => [
  { O: ['chainctl local'] },
  { CN: [`${name} ${use}`] },
];

/** Positive, as RFC 5280 wants it. */
function serial(clock: PlatformClock): string {
  const bytes = Buffer.from(clock.randomBytes(20));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

/** Certificates know no fraction of a second. */
const toDate = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);

const utf8String = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(tagged(0x0c, Buffer.from(text)));
