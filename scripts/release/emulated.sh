#!/bin/sh
# A short story with an executable for another processor, through qemu's user mode: what it says of itself, its help, a
# platform in the foreground, a login and a list. Usage: emulated.sh EMULATOR EXECUTABLE
set -eu
emulator=$1
program=$2
home=$(mktemp -d)
platform=
trap '[ -z "$platform" ] || kill "$platform" 2>/dev/null || true; rm -rf "$home"' EXIT
# The loader and C library of that system: Debian's cross packages have them, unpacked here and not installed.
case $program in
  *arm64*) library=libc6-arm64-cross prefix=usr/aarch64-linux-gnu ;;
  *) library=libc6-amd64-cross prefix=usr/x86_64-linux-gnu ;;
esac
(cd "$home" && apt-get download -qq "$library" >/dev/null && dpkg-deb -x ./"$library"_*.deb .)
run() { HOME=$home "$emulator" -L "$home/$prefix" "$program" "$@"; }

run version
run auth login --help >/dev/null
# Replaces the subshell, so that the process to end is the emulator itself; what it says must not keep our caller waiting.
(HOME=$home exec "$emulator" -L "$home/$prefix" "$program" local start --data-dir "$home/data" --output=json) \
  >"$home/started" 2>"$home/log" &
platform=$!
for _ in $(seq 120); do
  [ -s "$home/started" ] && break
  kill -0 "$platform"
  sleep 1
done
run local env --data-dir "$home/data" >"$home/env"
# shellcheck disable=SC1091
. "$home/env"
run local token --data-dir "$home/data" >"$home/jwt"
run auth login --identity-token "$home/jwt"
run iam organizations list --output=json | grep -q example.com
echo "emulated: version, help, platform, login and list work"
