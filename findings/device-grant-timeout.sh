#!/usr/bin/env bash
# openid-client 6.9.0 (npm) and golang.org/x/oauth2 v0.38.0: one poll that gets no answer in time, while a person types the code, ends
# the whole sign-in. RFC 8628, 3.5: on a connection timeout clients MUST reduce the frequency of polling "before retrying"; what
# ends the polling is another error of the server than "authorization_pending" and "slow_down". Somebody whose network changes, or
# who turns a VPN on for the sign-in page, has to begin again with another code, while the first is still good.
# What we do: ask again, less often (src/auth/device-login.ts; test/unit/login-away.test.ts, "a poll that nobody answers is no end").
# Needs: Go, Node, npm.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_go golang.org/x/oauth2@v0.38.0
from_npm openid-client@6.9.0
cat >server.mjs <<'JS'
// Pending, then silence, then the token.
import http from 'node:http';
let polls = 0;
const server = http.createServer((_, response) => {
  polls += 1;
  if (polls % 3 === 2) return;
  response.writeHead(polls % 3 === 1 ? 400 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(polls % 3 === 1 ? { error: 'authorization_pending' } : { access_token: 'token', token_type: 'bearer' }));
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/token`));
JS
cat >poll.mjs <<'JS'
import * as client from 'openid-client';
const configuration = new client.Configuration({ issuer: 'http://127.0.0.1', token_endpoint: process.argv[2] }, 'us');
client.allowInsecureRequests(configuration);
configuration.timeout = 1;
const code = { device_code: 'code', user_code: 'ABCD', verification_uri: 'http://127.0.0.1/', expires_in: 60, interval: 1 };
console.log(await client.pollDeviceAuthorizationGrant(configuration, code).then(() => 'signed in', (error) => error.message));
JS
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"golang.org/x/oauth2"
)

func main() {
	config := oauth2.Config{ClientID: "us", Endpoint: oauth2.Endpoint{TokenURL: os.Args[1]}}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Timeout: time.Second})
	_, err := config.DeviceAccessToken(ctx, &oauth2.DeviceAuthResponse{DeviceCode: "code", Interval: 1})
	if err == nil {
		fmt.Println("signed in")
	} else {
		fmt.Println("ended")
	}
}
GO
poll() {
  node server.mjs >address &
  server=$!
  trap 'kill "$server"; rm -rf "$work"' EXIT
  until [ -s address ]; do sleep 0.1; done
  seen=$("$@" "$(cat address)")
  kill "$server"
  trap 'rm -rf "$work"' EXIT
  rm address
}
poll node poll.mjs
expect 'openid-client 6.9.0' 'operation timed out' "$seen"
poll go run .
expect 'golang.org/x/oauth2 v0.38.0' ended "$seen"
