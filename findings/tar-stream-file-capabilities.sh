#!/usr/bin/env bash
# tar-stream 3.2.2 reads the extended attributes of an image's layer as UTF-8 text, and they are bytes. OCI image-spec, layer.md,
# "File Attributes", has layers keep them, as SCHILY.xattr records of pax headers, and Docker, BuildKit and apko write file
# capabilities so. A capability whose bit is the highest of a byte (CAP_SETGID is 6 and survives, CAP_SETUID is 7 and does not)
# holds 0x80, which is no UTF-8: three other bytes come out, and a layer that is read and written again has lost it. So
# /usr/bin/newuidmap of rootless podman breaks and /usr/bin/newgidmap beside it works. Python's tarfile keeps the bytes.
# What we do: nothing; tar-stream packs the layers of the seeded images here, which have no capabilities.
# Needs: Node, npm, Python 3.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
need python3
from_npm tar-stream@3.2.2
cat >write.py <<'PY'
import struct, sys, tarfile
layer = tarfile.open('layer.tar', 'w', format=tarfile.PAX_FORMAT)
for name, bit in (('usr/bin/newgidmap', 6), ('usr/bin/newuidmap', 7)):
    file = tarfile.TarInfo(name)
    value = struct.pack('<5I', 0x02000001, 1 << bit, 0, 0, 0)  # vfs_cap_data of <linux/capability.h>
    file.pax_headers = {'SCHILY.xattr.security.capability': value.decode('utf-8', 'surrogateescape')}
    layer.addfile(file)
layer.close()
PY
cat >read.py <<'PY'
import tarfile
for file in tarfile.open('layer.tar'):
    print(file.pax_headers['SCHILY.xattr.security.capability'].encode('utf-8', 'surrogateescape').hex()[:20])
PY
cat >read.cjs <<'JS'
const reader = require('tar-stream').extract();
reader.on('entry', ({ pax }, stream, next) => {
  console.log(Buffer.from(pax['SCHILY.xattr.security.capability']).toString('hex').slice(0, 20));
  stream.on('end', next).resume();
});
reader.end(require('node:fs').readFileSync('layer.tar'));
JS
python3 write.py
expect "Python's tarfile" '01000002400000000000 01000002800000000000' "$(python3 read.py | paste -sd ' ')"
expect 'tar-stream 3.2.2' '01000002400000000000 01000002efbfbd000000' "$(node read.cjs | paste -sd ' ')"
