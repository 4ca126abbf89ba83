// A certificate of one's own for the webhook, in the least of DER (X.690, RFC 5280). Guarantees: made anew for each start, its
// key never leaves the process.

import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';

export interface OwnCertificate {
  /** PEM. The certificate is its own authority, so this is what a caller has to trust. */
  readonly certificate: string;
  readonly key: string;
}

/** `names` are host names and addresses that it is for. */
export function makeCertificate(names: readonly string[], now: number, days = 365): OwnCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const name = sequence(tag(0x31, sequence(oid('55 04 03'), tag(0x0c, Buffer.from('enforcer.chainguard.dev')))));
  const ecdsaWithSha256 = sequence(oid('2a 86 48 ce 3d 04 03 02'));
  const keyId = createHash('sha1').update(spki).digest();
  const alternatives = names.map((one) =>
    isIP(one) === 0 ? tag(0x82, Buffer.from(one)) : tag(0x87, addressBytes(one)),
  );
  const extensions = sequence(
    extension('55 1d 13', true, sequence(tag(0x01, Buffer.from([0xff])))),
    // digitalSignature and keyCertSign.
    extension('55 1d 0f', true, tag(0x03, Buffer.from([0x02, 0x84]))),
    extension('55 1d 25', false, sequence(oid('2b 06 01 05 05 07 03 01'))),
    extension('55 1d 0e', false, tag(0x04, keyId)),
    extension('55 1d 11', false, sequence(...alternatives)),
  );
  const serial = randomBytes(16);
  // A serial number is positive and has no leading zero.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const body = sequence(
    tag(0xa0, tag(0x02, Buffer.from([0x02]))),
    tag(0x02, serial),
    ecdsaWithSha256,
    name,
    sequence(time(now - 300_000), time(now + days * 86_400_000)),
    name,
    spki,
    tag(0xa3, extensions),
  );
  const signature = createSign('sha256').update(body).sign(privateKey);
  const der = sequence(body, ecdsaWithSha256, tag(0x03, Buffer.concat([Buffer.from([0x00]), signature])));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

function tag(type: number, content: Buffer): Buffer {
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([type, ...head]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => tag(0x30, Buffer.concat(parts));
const oid = (bytes: string): Buffer => tag(0x06, Buffer.from(bytes.replaceAll(' ', ''), 'hex'));

const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [tag(0x01, Buffer.from([0xff]))] : []), tag(0x04, value));

/** GeneralizedTime for what UTCTime cannot say, which ends in 2049. */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '');
  return digits < '2050' ? tag(0x17, Buffer.from(digits.slice(2))) : tag(0x18, Buffer.from(digits));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const words = (text: string) => (text === '' ? [] : text.split(':'));
  const filled = [...words(head), ...Array(8 - words(head).length - words(tail).length).fill('0'), ...words(tail)];
  return Buffer.concat(filled.map((word) => Buffer.from(word.padStart(4, '0'), 'hex')));
}
