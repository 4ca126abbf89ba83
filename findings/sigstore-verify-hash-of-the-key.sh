#!/usr/bin/env bash
# @sigstore/verify 4.1.3 (below npm's check of provenance) checks the signature of a DSSE envelope with Node's default hash, which is SHA-256 for every elliptic curve. Sigstore's algorithm registry (architecture-docs,
# algorithm-registry.md) and the enum PublicKeyDetails of its protobuf-specs have SHA-384 for P-384 and SHA-512 for P-521, and
# sigstore-go, so cosign 3, sign so with `--signing-algorithm` or an imported key: each such attestation is "signature
# verification failed". A signed message by Ed25519 fails the other way round: its bundle names the hash of the file, and Node
# takes no hash for Ed25519. securesystemslib 1.6.0, which signs here, uses the hash of the curve too. cosign's own trouble with
# such keys is sigstore/cosign#5092.
# What we do: check with the hash of the key too (src/trust/signed-entity.ts; test/unit/enforce-trust.test.ts, "signs with
# the hash of its curve", and test/unit/attestation.test.ts).
# Needs: Node, npm, Python 3 with pip.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_npm @sigstore/verify@4.1.3 @sigstore/bundle@5.0.1
from_pypi securesystemslib==1.6.0 cryptography
cat >sign.py <<'PY'
import base64, hashlib, json, sys
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

curves = {'P-256': ec.SECP256R1, 'P-384': ec.SECP384R1, 'P-521': ec.SECP521R1}
def text(data): return base64.b64encode(data).decode()
payload = b'{}'
made = {}
for name in [*curves, 'Ed25519']:
    key = ed25519.Ed25519PrivateKey.generate() if name == 'Ed25519' else ec.generate_private_key(curves[name]())
    signer = CryptoSigner(key)
    envelope = Envelope(payload, 'application/vnd.in-toto+json', {})
    signature = bytes.fromhex(envelope.sign(signer).signature)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    made[name] = {
        'key': text(public),
        'envelope': {'dsseEnvelope': {'payload': text(payload), 'payloadType': envelope.payload_type, 'signatures': [{'sig': text(signature)}]}},
        'message': {'messageSignature': {
            'messageDigest': {'algorithm': 'SHA2_512', 'digest': text(hashlib.sha512(payload).digest())},
            'signature': text(bytes.fromhex(signer.sign(payload).signature)),
        }},
    }
json.dump(made, sys.stdout)
PY
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
const made = JSON.parse(readFileSync('made.json', 'utf8'));
const root = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const verificationMaterial = { publicKey: { hint: 'key' }, tlogEntries: [], timestampVerificationData: { rfc3161Timestamps: [] } };
const check = (name, what) => {
  const trust = toTrustMaterial(root, { key: { rawBytes: made[name].key } });
  const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
  const mediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
  try {
    verifier.verify(toSignedEntity(bundleFromJSON({ mediaType, verificationMaterial, ...made[name][what] }), Buffer.from('{}')));
    return 'holds';
  } catch (error) {
    return error.code;
  }
};
for (const name of ['P-256', 'P-384', 'P-521', 'Ed25519']) console.log(check(name, 'envelope'));
console.log(check('Ed25519', 'message'));
JS
python3 sign.py >made.json
mapfile -t seen < <(node check.mjs)
expect 'envelope by P-256' holds "${seen[0]}"
expect 'envelope by P-384' SIGNATURE_ERROR "${seen[1]}"
expect 'envelope by P-521' SIGNATURE_ERROR "${seen[2]}"
expect 'envelope by Ed25519' holds "${seen[3]}"
expect 'message by Ed25519' SIGNATURE_ERROR "${seen[4]}"
