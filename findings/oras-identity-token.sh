#!/usr/bin/env bash
# oras 0.2.43 (PyPI) takes the identity token of a credential helper for a password. Docker's credential store protocol (docker login,
# "Credential helper protocol"): a user name "<token>" says that the secret is an identity token, which goes to the token endpoint as
# a refresh token, and docker-py 7.2.0 reads it so. oras signs in with Basic "<token>:SECRET", which registries that hand such tokens
# out refuse; an "identitytoken" in "auths" is not looked at at all. Docker, crane and podman pull with the same file.
# What we do: read both as identity tokens (src/docker/stored-login.ts; test/unit/stored-login.test.ts).
# Needs: Python 3 with pip.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_pypi oras==0.2.43 docker==7.2.0
mkdir bin home
cat >bin/docker-credential-fake <<'SH'
#!/bin/sh
cat >/dev/null
echo '{"ServerURL": "registry.example", "Username": "<token>", "Secret": "secret"}'
SH
chmod +x bin/docker-credential-fake
echo '{ "auths": {}, "credHelpers": { "registry.example": "fake" } }' >config.json
cat >read.py <<'PY'
import base64, docker.auth, oras.provider
registry = oras.provider.Registry('registry.example')
registry.auth.load_configs(registry.get_container('registry.example/app:1'), ['config.json'])
print(base64.b64decode(registry.auth._basic_auth).decode())
print(docker.auth.load_config('config.json').resolve_authconfig('registry.example').get('IdentityToken'))
PY
mapfile -t seen < <(HOME=$work/home PATH=$work/bin:$PATH python3 read.py)
expect 'docker-py 7.2.0, identity token' secret "${seen[1]}"
expect 'oras 0.2.43, user and password' '<token>:secret' "${seen[0]}"
