#!/usr/bin/env bash
# RFC 9864 (October 2025) registers the JOSE algorithm "Ed25519" and deprecates "EdDSA", of which it is the one that everybody uses:
# the same key and the same signature under another name. jose 6.2.18 (npm) has both, and its key sets may say "Ed25519".
# golang-jwt v5.3.1, go-oidc v3.21.0 (the API server of Kubernetes, Fulcio) and PyJWT 2.15.1 know the older one only: a token that
# an issuer signs by the newer name is refused, and PyJWT refuses the key as well when its "alg" has that name.
# What we do: take either for the other (src/trust/jwt.ts; test/unit/jwt.test.ts, "Ed25519 has two names").
# Needs: Go, Node, npm, Python 3 with pip.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_go github.com/golang-jwt/jwt/v5@v5.3.1 github.com/coreos/go-oidc/v3/oidc@v3.21.0
from_npm jose@6.2.18
from_pypi PyJWT==2.15.1 cryptography
cat >sign.mjs <<'JS'
import { writeFileSync } from 'node:fs';
import { exportJWK, exportSPKI, generateKeyPair, jwtVerify, SignJWT } from 'jose';
const { publicKey, privateKey } = await generateKeyPair('Ed25519', { extractable: true });
writeFileSync('key.pem', await exportSPKI(publicKey));
writeFileSync('key.json', JSON.stringify({ ...(await exportJWK(publicKey)), alg: 'Ed25519' }));
for (const alg of ['EdDSA', 'Ed25519']) {
  const claims = { iss: 'https://issuer.example', aud: 'us', sub: 'ann', exp: 4_000_000_000 };
  const token = await new SignJWT(claims).setProtectedHeader({ alg }).sign(privateKey);
  writeFileSync(alg, token);
  await jwtVerify(token, publicKey);
  console.log(`${alg} holds`);
}
JS
cat >main.go <<'GO'
package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
)

func main() {
	text, _ := os.ReadFile("key.pem")
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		panic(err)
	}
	config := &oidc.Config{ClientID: "us", SupportedSigningAlgs: []string{"EdDSA", "Ed25519"}}
	keys := &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key}}
	verifier := oidc.NewVerifier("https://issuer.example", keys, config)
	for _, name := range []string{"EdDSA", "Ed25519"} {
		token, _ := os.ReadFile(name)
		_, byJwt := jwt.Parse(string(token), func(*jwt.Token) (any, error) { return key, nil })
		_, byOidc := verifier.Verify(context.Background(), string(token))
		fmt.Print(name, ": ", byJwt == nil, " ", byOidc == nil, "; ")
	}
}
GO
cat >read.py <<'PY'
import json, jwt
key = open('key.pem').read()
for name in ['EdDSA', 'Ed25519']:
    try:
        jwt.decode(open(name).read(), key, algorithms=['EdDSA', 'Ed25519'], audience='us')
        print(name, 'holds', end='; ')
    except jwt.PyJWTError as error:
        print(name, type(error).__name__, end='; ')
try:
    jwt.PyJWK.from_dict(json.load(open('key.json')))
except jwt.PyJWTError as error:
    print('key', type(error).__name__)
PY
expect 'jose 6.2.18' 'EdDSA holds Ed25519 holds' "$(node sign.mjs | paste -sd ' ')"
expect 'golang-jwt v5.3.1 and go-oidc v3.21.0' 'EdDSA: true true; Ed25519: false false; ' "$(go run .)"
expect 'PyJWT 2.15.1' 'EdDSA holds; Ed25519 InvalidAlgorithmError; key PyJWKError' "$(python3 read.py)"
