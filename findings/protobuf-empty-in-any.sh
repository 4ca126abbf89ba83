#!/usr/bin/env bash
# ProtoJSON of google.protobuf.Empty in google.protobuf.Any, as google.longrunning.Operation has it for each deletion: Go (protobuf
# v1.36.11) writes {"@type": "…Empty", "value": {}}, as protobuf.dev, "ProtoJSON Format", has it for types with a JSON of their own,
# among which it lists Empty. Python (protobuf 7.36.2) and protobuf-es 2.17.0 (npm) write it without "value", and refuse with it: "no
# such field". So what a server in Go answers is an error in a client of theirs; Go reads both.
# protocolbuffers/protobuf#17099 and #24445 are open.
# What we do: the one Any of our API, the details of an error, never holds an Empty (src/api/schema).
# Needs: Go, Node, npm, Python 3 with pip.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_go google.golang.org/protobuf/encoding/protojson@v1.36.11 google.golang.org/protobuf/types/known/anypb@v1.36.11 \
  google.golang.org/protobuf/types/known/emptypb@v1.36.11
from_npm @bufbuild/protobuf@2.17.0
from_pypi protobuf==7.36.2
cat >main.go <<'GO'
package main

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
)

func main() {
	packed, err := anypb.New(&emptypb.Empty{})
	if err != nil {
		panic(err)
	}
	text, err := protojson.Marshal(packed)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}
GO
cat >read.mjs <<'JS'
import { createRegistry, fromJsonString } from '@bufbuild/protobuf';
import { AnySchema, EmptySchema } from '@bufbuild/protobuf/wkt';
try {
  fromJsonString(AnySchema, process.argv[2], { registry: createRegistry(EmptySchema) });
  console.log('read');
} catch (error) {
  console.log(error.message);
}
JS
cat >read.py <<'PY'
import sys
from google.protobuf import any_pb2, empty_pb2, json_format
try:
    json_format.Parse(sys.argv[1], any_pb2.Any())
    print('read')
except json_format.ParseError as error:
    print(str(error).splitlines()[0])
PY
text=$(go run . | tr -d ' ')
type='"@type":"type.googleapis.com/google.protobuf.Empty"'
expect 'Go v1.36.11 writes' "{$type,\"value\":{}}" "$text"
expect 'protobuf-es 2.17.0' 'cannot decode message google.protobuf.Empty from JSON: key "value" is unknown' "$(node read.mjs "$text")"
expect 'Python 7.36.2' 'Message type "google.protobuf.Empty" has no field named "value" at "Any".' "$(python3 read.py "$text")"
expect 'without it' 'read read' "$(node read.mjs "{$type}") $(python3 read.py "{$type}")"
