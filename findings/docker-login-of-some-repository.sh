#!/usr/bin/env bash
# github.com/docker/cli v29.9.3, which the docker command and everything that reads Docker's config through it share
# (go-containerregistry: crane, cosign, ko): two logins of one registry for two namespaces, as `podman login HOST/NAMESPACE` writes
# them, containers-auth.json(5), "repository namespaces". The config package cuts every key down to its host when there is none for
# the host itself, and takes the first of a Go map, whose order is random: the same lookup answers with one login or the other,
# so a pull fails now and then, and the login of one organization is sent for the image of another. One expects the same answer
# each time: Docker's own documentation knows no keys below a host, so none, or the error that there is none.
# What we do: choose the longest key that the image is below (src/docker/stored-login.ts; test/unit/stored-login.test.ts).
# Needs: Go.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_go github.com/docker/cli/cli/config@v29.9.3+incompatible
cat >config.json <<'JSON'
{ "auths": { "registry.example/acme": { "auth": "YWNtZTp4" }, "registry.example/other": { "auth": "b3RoZXI6eA==" } } }
JSON
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/docker/cli/cli/config"
)

func main() {
	seen := map[string]bool{}
	for range 300 {
		file, err := config.Load(".")
		if err != nil {
			panic(err)
		}
		login, err := file.GetAuthConfig("registry.example")
		if err != nil {
			panic(err)
		}
		seen[login.Username] = true
	}
	fmt.Println(seen)
}
GO
expect 'logins that 300 lookups of registry.example gave' 'map[acme:true other:true]' "$(go run .)"
