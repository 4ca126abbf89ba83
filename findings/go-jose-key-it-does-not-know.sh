#!/usr/bin/env bash
# github.com/go-jose/go-jose v4.1.9 and github.com/lestrrat-go/jwx v3.4.0 refuse a whole JWK Set for one key of a type that they do
# not know. RFC 7517, 5: such keys SHOULD be ignored. So an issuer that publishes a post-quantum key (kty AKP) beside its
# P-256 one locks out everybody who reads its keys with json.Unmarshal into jose.JSONWebKeySet or jwk.Parse, although all tokens
# are still signed with P-256. go-jose quotes that section above the error, and leaves the ignoring to the caller; what stands in
# the set afterwards depends on the order of the keys (go-jose/go-jose#276, open; jwx has an option, and v4 ignores). jose 6.2.18 (npm) and PyJWT 2.15.1 take the key that they know.
# What we do: try the keys that we know, one by one (src/trust/jwt.ts; test/unit/jwt.test.ts).
# Needs: Go, Node, npm, Python 3 with pip.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_go github.com/go-jose/go-jose/v4@v4.1.9 github.com/lestrrat-go/jwx/v3/jwk@v3.4.0
from_npm jose@6.2.18
from_pypi PyJWT==2.15.1 cryptography
cat >keys.json <<'JSON'
{ "keys": [
  { "kid": "next", "kty": "AKP", "alg": "ML-DSA-44", "use": "sig", "pub": "AAAA" },
  { "kid": "now", "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }
] }
JSON
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

func main() {
	text, err := os.ReadFile("keys.json")
	if err != nil {
		panic(err)
	}
	var keys jose.JSONWebKeySet
	fmt.Println(json.Unmarshal(text, &keys))
	_, err = jwk.Parse(text)
	fmt.Println(err != nil)
}
GO
cat >read.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { createLocalJWKSet } from 'jose';
const key = await createLocalJWKSet(JSON.parse(readFileSync('keys.json', 'utf8')))({ alg: 'ES256', kid: 'now' });
console.log(key.type);
JS
go build -o read .
mapfile -t seen < <(./read)
expect 'jose 6.2.18' public "$(node read.mjs)"
expect 'PyJWT 2.15.1' "['now']" "$(python3 -c 'import json, jwt; print([key.key_id for key in jwt.PyJWKSet.from_dict(json.load(open("keys.json"))).keys])')"
expect 'go-jose v4.1.9' 'go-jose/go-jose: unsupported key type, format, curve, or RSA modulus size' "${seen[0]}"
expect 'jwx v3.4.0 refuses' true "${seen[1]}"
