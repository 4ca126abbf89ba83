#!/usr/bin/env bash
# One package, three canonical package URLs. The specification (purl-spec, specification.md, "Character encoding"; ECMA-427) has one:
# "+" and "/" inside a component are percent-encoded, with upper case digits as RFC 3986, 2.1 says, and ":" never is.
#   packageurl-js 2.0.1 leaves "+" in a version, as each Go module of a major version without /vN and each Debian rebuild has it;
#   packageurl-python 0.17.6 lowers the name of apk and other types after it has encoded it, so libstdc++ ends with %2b%2b, and
#   leaves "/" in a qualifier, as each repository_url of pkg:oci has it; packageurl-go v0.1.7 has all as it is written.
# Inventories made by two of them do not match by text: libstdc++ of Wolfi is removed and added, and an advisory is not found.
# purl-spec#588 says which is right.
# What we do: compare packages by their parts, read with packageurl-js (src/attestations/package-url.ts;
# test/unit/package-diff.test.ts).
# Needs: Go, Node, npm, Python 3 with pip.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_go github.com/package-url/packageurl-go@v0.1.7
from_npm packageurl-js@2.0.1
from_pypi packageurl-python==0.17.6
cat >main.go <<'GO'
package main

import (
	"fmt"

	purl "github.com/package-url/packageurl-go"
)

func main() {
	where := purl.QualifiersFromMap(map[string]string{"repository_url": "cgr.dev/acme"})
	fmt.Println(purl.NewPackageURL("apk", "wolfi", "libstdc++", "15.2.0-r0", nil, ""))
	fmt.Println(purl.NewPackageURL("golang", "github.com/docker", "cli", "v29.9.3+incompatible", nil, ""))
	fmt.Println(purl.NewPackageURL("oci", "", "app", "sha256:abc", where, ""))
}
GO
cat >write.mjs <<'JS'
import { PackageURL } from 'packageurl-js';
console.log(`${new PackageURL('apk', 'wolfi', 'libstdc++', '15.2.0-r0')}`);
console.log(`${new PackageURL('golang', 'github.com/docker', 'cli', 'v29.9.3+incompatible')}`);
console.log(`${new PackageURL('oci', undefined, 'app', 'sha256:abc', { repository_url: 'cgr.dev/acme' })}`);
JS
cat >write.py <<'PY'
from packageurl import PackageURL
print(PackageURL('apk', 'wolfi', 'libstdc++', '15.2.0-r0'))
print(PackageURL('golang', 'github.com/docker', 'cli', 'v29.9.3+incompatible'))
print(PackageURL('oci', None, 'app', 'sha256:abc', {'repository_url': 'cgr.dev/acme'}))
PY
go build -o write .
library='pkg:apk/wolfi/libstdc%2B%2B@15.2.0-r0'
module='pkg:golang/github.com/docker/cli@v29.9.3'
image='pkg:oci/app@sha256:abc?repository_url='
expect 'packageurl-go v0.1.7' "$library $module%2Bincompatible ${image}cgr.dev%2Facme" "$(./write | paste -sd ' ')"
expect 'packageurl-js 2.0.1' "$library $module+incompatible ${image}cgr.dev%2Facme" "$(node write.mjs | paste -sd ' ')"
expect 'packageurl-python 0.17.6' "${library//2B/2b} $module%2Bincompatible ${image}cgr.dev/acme" "$(python3 write.py | paste -sd ' ')"
