#!/usr/bin/env bash
# CloudEvents 1.0.2, HTTP protocol binding, 3.1.3.2: attributes in headers are percent-encoded (space, '"', "%" and all beyond ASCII) by
# who sends and decoded by who receives. The SDKs disagree: the Python SDK 2.2.0 does both, the Go SDK v2.16.2 and the JavaScript SDK
# 10.0.0 do neither. So the subject "café 100%" that Python sends is "caf%C3%A9%20100%25" in Go and JavaScript, with no error, and
# what compares it finds nothing. cloudevents/spec#1397 counts further SDKs.
# What we do: encode what we send, and our own subjects hold nothing that needs it (src/local/events/cloud-event.ts).
# Needs: Go, Node, npm, Python 3 with pip.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_go github.com/cloudevents/sdk-go/v2@v2.16.2 github.com/cloudevents/sdk-go/v2/protocol/http@v2.16.2
from_npm cloudevents@10.0.0
from_pypi cloudevents==2.2.0
cat >send.py <<'PY'
from cloudevents.core.bindings.http import from_binary_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent
event = CloudEvent({'id': '1', 'source': '/ours', 'type': 'one', 'specversion': '1.0', 'subject': 'café 100%'}, {})
message = to_binary_event(event)
assert from_binary_event(message).get_attributes()['subject'] == 'café 100%'
print(message.headers['ce-subject'])
PY
cat >receive.mjs <<'JS'
import { HTTP } from 'cloudevents';
const [subject] = process.argv.slice(2);
const headers = { 'ce-id': '1', 'ce-source': '/ours', 'ce-type': 'one', 'ce-specversion': '1.0', 'ce-subject': subject, 'content-type': 'application/json' };
console.log(HTTP.toEvent({ headers, body: '{}' }).subject);
JS
cat >main.go <<'GO'
package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/cloudevents/sdk-go/v2/protocol/http"
)

func main() {
	request := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
	for name, value := range map[string]string{"id": "1", "source": "/ours", "type": "one", "specversion": "1.0", "subject": os.Args[1]} {
		request.Header.Set("ce-"+name, value)
	}
	request.Header.Set("content-type", "application/json")
	event, err := http.NewEventFromHTTPRequest(request)
	if err != nil {
		panic(err)
	}
	fmt.Println(event.Subject())
}
GO
sent=$(python3 send.py)
expect 'Python 2.2.0 sends' 'caf%C3%A9%20100%25' "$sent"
expect 'Go v2.16.2 receives' 'caf%C3%A9%20100%25' "$(go run . "$sent")"
expect 'JavaScript 10.0.0 receives' 'caf%C3%A9%20100%25' "$(node receive.mjs "$sent")"
