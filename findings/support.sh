# Shared by the scripts beside it: a temporary folder, pinned packages in it, and the three ways to end.
# Ends with 0 while everything is as it was seen, with 1 where something has changed, with 77 where the script cannot run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cannot() {
  echo "cannot run: $1"
  exit 77
}

need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || cannot "there is no $program"
  done
}

from_npm() {
  need node npm
  [ -e package.json ] || echo '{ "private": true }' >package.json
  npm install --silent --no-audit --no-fund "$@" >npm.log 2>&1 || cannot "npm does not install $*"
}

from_pypi() {
  need python3
  python3 -m pip --version >/dev/null 2>&1 || cannot "there is no pip"
  python3 -m pip install --quiet --root-user-action=ignore --target "$work/python" "$@" >pip.log 2>&1 ||
    cannot "pip does not install $*"
  export PYTHONPATH=$work/python
}

# Import paths with their versions; the program is main.go. GOMAXPROCS and the like are the caller's.
from_go() {
  need go
  [ -e go.mod ] || go mod init finding >go.log 2>&1
  go get "$@" >go.log 2>&1 || cannot "go does not get $*"
}

# What is looked at, what was seen when this was written, what is seen now.
expect() {
  echo "$1: $3"
  [ "$3" = "$2" ] && return
  echo "this has changed: $1 was $2"
  exit 1
}
