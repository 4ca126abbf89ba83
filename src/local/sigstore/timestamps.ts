// Timestamps (RFC 3161), which say when a signature was there: without one it is good for no longer than its certificate.
// Guarantees: the time is the platform's; a request that cannot be answered is told so in the words of the protocol.

import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  Attribute,
  CertificateChoices,
  CertificateSet,
  ContentInfo,
  DigestAlgorithmIdentifiers,
  EncapsulatedContent,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  id_signedData,
  SignedData,
  SignerIdentifier,
  SignerInfo,
  SignerInfos,
} from '@peculiar/asn1-cms';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { PKIFreeText, PKIStatus, PKIStatusInfo, TimeStampReq, TimeStampResp, TSTInfo } from '@peculiar/asn1-tsp';
import { AlgorithmIdentifier, Certificate } from '@peculiar/asn1-x509';
import { PemConverter } from '@peculiar/x509';
import { tagged } from './der.ts';

export interface TimestampAuthority {
  /** The certificate that timestamps, and the root; PEM each. */
  readonly timestampChain: readonly [timestamper: string, root: string];
  readonly timestampKey: KeyObject;
}

const contentType = '1.2.840.113549.1.9.3';
const messageDigest = '1.2.840.113549.1.9.4';
const signingTime = '1.2.840.113549.1.9.5';
/** ESSCertIDv2 (RFC 5816): ties the answer to the certificate. */
const signingCertificateV2 = '1.2.840.113549.1.9.16.2.47';
const tstInfo = '1.2.840.113549.1.9.16.1.4';
const sha256 = '2.16.840.1.101.3.4.2.1';
const ecdsaWithSha256 = '1.2.840.10045.4.3.2';
/** Policy of sigstore's own authority. */
const policy = '1.3.6.1.4.1.57264.2';
/** Bytes of a digest, by the algorithm's identifier. */
const digestLengths: Readonly<Record<string, number>> = {
  [sha256]: 32,
  '2.16.840.1.101.3.4.2.2': 48,
  '2.16.840.1.101.3.4.2.3': 64,
};

/** Returns a TimeStampResp in DER. */
export function timestamp(request: Buffer, authority: TimestampAuthority, now: number): Buffer {
  const asked = read(request);
  if (asked === undefined) return refusal('the request is no TimeStampReq of RFC 3161');
  const { messageImprint, nonce, certReq } = asked;
  const length = digestLengths[messageImprint.hashAlgorithm.algorithm];
  if (length === undefined) return refusal('the digest must be SHA-256, SHA-384 or SHA-512');
  if (messageImprint.hashedMessage.byteLength !== length) return refusal('the digest has the wrong length');
  const serialNumber = randomBytes(16);
  serialNumber[0] = ((serialNumber[0] ?? 0) & 0x3f) | 0x40;
  const info = der(
    new TSTInfo({
      policy,
      messageImprint,
      serialNumber: exactBuffer(serialNumber),
      genTime: new Date(Math.floor(now / 1000) * 1000),
      ...(nonce === undefined ? {} : { nonce }),
    }),
  );
  const token = signedData(info, authority, now, certReq);
  return der(new TimeStampResp({ status: new PKIStatusInfo({ status: PKIStatus.granted }), timeStampToken: token }));
}

function read(request: Buffer): TimeStampReq | undefined {
  try {
    return AsnConvert.parse(request, TimeStampReq);
  } catch {
    return undefined;
  }
}

const refusal = (reason: string): Buffer =>
  der(
    new TimeStampResp({
      status: new PKIStatusInfo({ status: PKIStatus.rejection, statusString: new PKIFreeText([reason]) }),
    }),
  );

function signedData(
  info: Buffer,
  { timestampChain, timestampKey }: TimestampAuthority,
  now: number,
  withCertificates: boolean,
): ContentInfo {
  const [leaf, ...others] = timestampChain.map((text) => Buffer.from(PemConverter.decodeFirst(text)));
  if (leaf === undefined) throw new TypeError('an authority has a certificate');
  const { issuer, serialNumber } = AsnConvert.parse(leaf, Certificate).tbsCertificate;
  const certId = Buffer.concat([Buffer.from('3026302430220420', 'hex'), digest(leaf)]);
  const attributes = [
    attribute(contentType, tagged(0x06, Buffer.from('2a864886f70d0109100104', 'hex'))),
    attribute(signingTime, utcTime(now)),
    attribute(messageDigest, der(new OctetString(exactBuffer(digest(info))))),
    attribute(signingCertificateV2, certId),
  ].sort((a, b) => Buffer.compare(der(a), der(b)));
  const signature = sign('sha256', setOf(attributes.map((one) => der(one))), timestampKey);
  const certificates = new CertificateSet(
    [leaf, ...others].map((one) => new CertificateChoices({ certificate: AsnConvert.parse(one, Certificate) })),
  );
  const data = new SignedData({
    version: 3,
    digestAlgorithms: new DigestAlgorithmIdentifiers([new AlgorithmIdentifier({ algorithm: sha256 })]),
    encapContentInfo: new EncapsulatedContentInfo({
      eContentType: tstInfo,
      eContent: new EncapsulatedContent({ single: new OctetString(exactBuffer(info)) }),
    }),
    ...(withCertificates ? { certificates } : {}),
    signerInfos: new SignerInfos([
      new SignerInfo({
        version: 1,
        sid: new SignerIdentifier({ issuerAndSerialNumber: new IssuerAndSerialNumber({ issuer, serialNumber }) }),
        digestAlgorithm: new AlgorithmIdentifier({ algorithm: sha256 }),
        signedAttrs: attributes,
        signatureAlgorithm: new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 }),
        signature: new OctetString(exactBuffer(signature)),
      }),
    ]),
  });
  return new ContentInfo({ contentType: id_signedData, content: exactBuffer(der(data)) });
}

const attribute = (attrType: string, value: Buffer): Attribute =>
  new Attribute({ attrType, attrValues: [exactBuffer(value)] });

/**
 * Returns what is signed is the set of attributes under its own tag, and not under the one that it has in the message
 * (RFC 5652, 5.4).
 */
const setOf = (items: readonly Buffer[]): Buffer => tagged(0x31, Buffer.concat(items));

/** Holds until 2049. */
const utcTime = (now: number): Buffer =>
  tagged(
    0x17,
    Buffer.from(
      new Date(now)
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .slice(2),
    ),
  );

const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const der = (value: object): Buffer => Buffer.from(AsnConvert.serialize(value));
/** A small Buffer is part of a larger ArrayBuffer. */
const exactBuffer = (bytes: Buffer): ArrayBuffer => Uint8Array.from(bytes).buffer;
