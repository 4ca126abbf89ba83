#!/usr/bin/env bash
# @sigstore/core 4.0.1 (below sigstore, @sigstore/verify and npm's own check of provenance) reads a GeneralizedTime only without a
# fraction or with exactly three digits of one, and drops those three. RFC 3161, 2.4.2 lets a timestamp authority write any number
# of digits and DER forbids trailing zeros, so half a second must be written ".5": such a timestamp is "invalid time". OpenSSL
# reads all of them.
# What we do: the timestamp authority of the local platform writes whole seconds (src/local/sigstore).
# Needs: Node, npm, openssl.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
need openssl
from_npm @sigstore/core@4.0.1
cat >read.cjs <<'JS'
const { ASN1Obj } = require('@sigstore/core');
const { readFileSync } = require('node:fs');
try {
  console.log(ASN1Obj.parseBuffer(readFileSync(process.argv[2])).toDate().toISOString());
} catch (error) {
  console.log(error.message);
}
JS
check() {
  openssl asn1parse -genstr "GENTIME:$1" -noout -out time.der
  openssl asn1parse -inform DER -in time.der | grep -q ":$1" || cannot "this openssl does not read $1"
  expect "$1" "$2" "$(node read.cjs time.der)"
}
check 20260301120000Z 2026-03-01T12:00:00.000Z
check 20260301120000.125Z 2026-03-01T12:00:00.000Z
check 20260301120000.5Z 'invalid time'
check 20260301120000.123456Z 'invalid time'
