// The fields that a ClusterImagePolicy of policy-controller 0.13 may have (enforce.md 2), and their types.

import { anything, boolean, list, object, type Shape, text, texts } from './shapes.ts';

const reference = object({ name: text, namespace: text });
const key = { data: text, secretRef: reference, kms: text, hashAlgorithm: text };
const rule = object({
  type: text,
  data: text,
  configMapRef: object({ name: text, key: text, namespace: text }),
  remote: object({ url: text, sha256sum: text }),
  fetchConfigFile: boolean,
  includeSpec: boolean,
  includeObjectMeta: boolean,
  includeTypeMeta: boolean,
});
const authority = object({
  name: text,
  key: object(key),
  keyless: object({
    url: text,
    'ca-cert': object(key),
    trustRootRef: text,
    insecureIgnoreSCT: boolean,
    identities: list(object({ issuer: text, issuerRegExp: text, subject: text, subjectRegExp: text })),
  }),
  static: object({ action: text, message: text }),
  source: list(object({ oci: text, tagPrefix: text, signaturePullSecrets: list(object({ name: text })) })),
  ctlog: object({ url: text, publicKey: object(key), trustRootRef: text }),
  rfc3161timestamp: object({ trustRootRef: text }),
  attestations: list(object({ name: text, predicateType: text, policy: rule })),
  signatureFormat: text,
});
export const documentShape: Shape = object({
  apiVersion: text,
  kind: text,
  metadata: object({
    name: text,
    labels: texts,
    annotations: texts,
    // Fields that `kubectl get -o yaml` adds; none of it is the author's.
    creationTimestamp: anything,
    generation: anything,
    managedFields: anything,
    resourceVersion: anything,
    uid: anything,
    finalizers: anything,
  }),
  spec: object({
    images: list(object({ glob: text })),
    authorities: list(authority),
    mode: text,
    match: list(
      object({
        group: text,
        version: text,
        resource: text,
        selector: object({
          matchLabels: texts,
          matchExpressions: list(object({ key: text, operator: text, values: list(text) })),
        }),
      }),
    ),
    policy: rule,
  }),
  status: anything,
});
