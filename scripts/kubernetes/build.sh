#!/usr/bin/env bash
# build.sh FOLDER: builds an API server, its controller manager and its scheduler from the Go module proxy, once; a folder that
# has them is left alone. About ten minutes of one processor when nothing is in Go's build cache.
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
version=${KUBERNETES_VERSION:-v1.34.4}
programs=(kube-apiserver kube-controller-manager kube-scheduler)
[ "$(cat "$folder/version" 2>/dev/null)" = "$version" ] && exit 0
module=$(mktemp -d)
trap 'rm -rf "$module"' EXIT
cd "$module"
source=$(go mod download -json "k8s.io/kubernetes@$version" | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).Dir')
# Kubernetes keeps its libraries in its own repository and replaces them by folders; the proxy has each as a module of its own,
# with a version of the same minor.
node - "$source/go.mod" "$version" >go.mod <<'SCRIPT'
const [, , path, version] = process.argv;
const block = /^replace \(\n([\s\S]*?)^\)/m.exec(require('node:fs').readFileSync(path, 'utf8'))[1];
const names = [...block.matchAll(/^\t(\S+) => /gm)].map(([, name]) => name).filter((name) => !/sample-(cli-plugin|controller)$/.test(name));
const own = `v0.${version.slice('v1.'.length)}`;
console.log(`module controlplane\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes ${version}\n\nreplace (`);
for (const name of names) console.log(`\t${name} => ${name} ${own}`);
console.log(')');
SCRIPT
minor=${version#v1.}
set_version="-X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${minor%%.*}"
GOFLAGS='-mod=mod -buildvcs=false' go build -p "${GO_JOBS:-2}" -ldflags "-s -w $set_version" -o "$folder/" "${programs[@]/#/k8s.io/kubernetes/cmd/}"
echo "$version" >"$folder/version"
