#!/usr/bin/env bash
# univers 32.0.1 (PyPI; the versions of VulnerableCode and of the VERS libraries) refuses versions of apk packages with the suffixes
# _git, _cvs, _svn and _hg, and github.com/knqyf263/go-apk-version (below Trivy and Grype) those with the hash of a commit
# behind "~". apk-package(5) of apk-tools 3, "pkgver": number, letter, suffixes (alpha, beta, pre, rc, cvs, svn, git, hg, p), "~" and a
# hash, "-r" and a number. Alpine and Wolfi version what has no release as "0_git20250101-r0": advisories for that cannot be read.
# univers reads such versions as Gentoo's, which know five suffixes of the nine.
# What we do: our own order, with all nine, which passes over the hash (src/attestations/version-order.ts;
# test/unit/version-order.test.ts).
# Needs: Go, Python 3 with pip.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_go github.com/knqyf263/go-apk-version@v0.0.0-20200609155635-041fdbb8563f
from_pypi univers==32.0.1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	version "github.com/knqyf263/go-apk-version"
)

func main() {
	for _, text := range os.Args[1:] {
		fmt.Print(version.Valid(text), " ")
	}
}
GO
cat >read.py <<'PY'
import sys
from univers.versions import AlpineLinuxVersion, InvalidVersion
for text in sys.argv[1:]:
    try:
        AlpineLinuxVersion(text)
        print('true', end=' ')
    except InvalidVersion:
        print('false', end=' ')
PY
go build -o read .
versions=(1.2_p1-r0 0_git20250101-r0 1.2_hg5-r0 '1.2~0a1b2c3-r0')
echo "versions: ${versions[*]}"
expect 'go-apk-version takes' 'true true true false ' "$(./read "${versions[@]}")"
expect 'univers 32.0.1 takes' 'true false false false ' "$(python3 read.py "${versions[@]}")"
