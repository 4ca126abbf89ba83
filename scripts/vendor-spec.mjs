// Copies the part of the platform's API description that this project generates code from into `spec/api.json`.
// Promise: the output depends on nothing but the input file and the lists below, one rpc, message or enum per line.
//
//   node scripts/vendor-spec.mjs ../shared/spec/api.json
//   node scripts/vendor-spec.mjs ../shared/spec/api.json ../shared/spec/enforce-api.json
//
// The second form writes `spec/enforce.json` too: services of 2022 to 2024 that today's description no longer has, with the
// messages and enums that it lacks.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const packages = [
  'chainguard.platform.iam',
  'chainguard.platform.iam.v2',
  'chainguard.platform.iam.v2beta1',
  'chainguard.platform.auth',
  'chainguard.platform.oidc',
  'chainguard.platform.ping',
  'chainguard.platform.ping.v2',
  'chainguard.platform.ping.v2beta1',
  'chainguard.platform.registry',
  'chainguard.platform.registry.v2',
  'chainguard.platform.registry.v2beta1',
  'chainguard.platform.events',
  'chainguard.platform.events.v2',
  'chainguard.platform.events.v2beta1',
  'chainguard.platform.advisory',
  'chainguard.platform.vulnerabilities.v1',
];

// Error bodies and their details travel inside `Any`, so no request or response refers to them (semantics 7 and 9).
const extraMessages = [
  'google.rpc.Status',
  'google.rpc.ErrorInfo',
  'google.rpc.BadRequest',
  'google.rpc.PreconditionFailure',
  'google.rpc.ResourceInfo',
  'chainguard.platform.iam.TermsNotAcceptedDetail',
];

const [, , source, older] = process.argv;
if (source === undefined) {
  console.error('usage: node scripts/vendor-spec.mjs PATH_TO_API_JSON [PATH_TO_ENFORCE_API_JSON]');
  process.exit(2);
}
const api = JSON.parse(readFileSync(source, 'utf8'));

/** Request and response names are written relative to their package unless they contain a dot. */
const resolve = (pkg, name) => (name.includes('.') && !(`${pkg}.${name}` in api.messages) ? name : `${pkg}.${name}`);

const services = api.services
  .filter((service) => packages.includes(service.package))
  .map((service) => ({
    package: service.package,
    service: service.service,
    version: service.version,
    rpcs: service.rpcs.map((rpc) => ({
      ...rpc,
      request: resolve(service.package, rpc.request),
      response: resolve(service.package, rpc.response),
    })),
  }));

// Of the other packages only the routes, so that the platform can say by name what it does not have.
const unserved = api.services
  .filter((service) => !packages.includes(service.package))
  .flatMap(({ package: pkg, service, version, rpcs }) =>
    rpcs.map(({ name, http }) => ({
      package: pkg,
      service,
      version,
      name,
      http: http.map(({ method, path }) => ({ method, path })),
    })),
  );

// A list of its own in the description, since it says more of each value than other enums do.
const capabilityEnum = 'chainguard.capabilities.Capability';
const capabilityValues = Object.fromEntries([
  ['UNKNOWN', 0],
  ...api.capabilities.toSorted((a, b) => a.number - b.number).map(({ proto, number }) => [proto, number]),
]);
const valuesOf = (name) =>
  name === capabilityEnum ? capabilityValues : (api.enums[name].values ?? api.enums[name].VALUES);

const messages = new Set();
const enums = new Set();
const visit = (name) => {
  const message = api.messages[name];
  // Well-known types (Timestamp, Duration, Empty, Value…) have rules of their own and no entry.
  if (message === undefined || messages.has(name)) return;
  messages.add(name);
  for (const field of message.fields) {
    const kind = field.kind === 'map' ? field.map.kind : field.kind;
    const type = field.kind === 'map' ? field.map.value : field.type;
    if (kind === 'message') visit(type);
    if (kind === 'enum') enums.add(type);
  }
};
for (const service of services) {
  for (const rpc of service.rpcs) {
    visit(rpc.request);
    visit(rpc.response);
  }
}
for (const name of extraMessages) {
  if (api.messages[name] === undefined) throw new Error(`${source} has no message ${name}`);
  visit(name);
}

const fieldOf = (field) =>
  Object.fromEntries(Object.entries(field).filter(([, value]) => value !== null && value !== false));
const messageOf = ({ fields }) => ({ fields: fields.map(fieldOf) });

const lines = (entries) => entries.join(',\n');
const keyed = (names, value) =>
  `{\n${lines(names.map((name) => `  ${JSON.stringify(name)}: ${JSON.stringify(value(name))}`))}\n}`;
const listed = (values) => `[\n${lines(values.map((value) => `  ${JSON.stringify(value)}`))}\n]`;

const parts = [
  `"source": ${JSON.stringify(api.source)}`,
  `"services": [\n${lines(
    services.map(
      ({ rpcs, ...head }) =>
        `${JSON.stringify(head).slice(0, -1)},"rpcs":[\n${lines(rpcs.map((r) => `  ${JSON.stringify(r)}`))}\n]}`,
    ),
  )}\n]`,
  `"unserved": ${listed(unserved)}`,
  `"messages": ${keyed([...messages].sort(), (name) => messageOf(api.messages[name]))}`,
  `"enums": ${keyed([...enums].sort(), valuesOf)}`,
  `"capabilities": ${listed(api.capabilities)}`,
  `"capability_ledger": ${JSON.stringify(api.capability_ledger)}`,
  `"role_bundles": ${keyed(Object.keys(api.role_bundles), (name) => api.role_bundles[name])}`,
];
writeFileSync(fileURLToPath(new URL('../spec/api.json', import.meta.url)), `{\n${parts.join(',\n')}\n}\n`);

if (older !== undefined) {
  const past = JSON.parse(readFileSync(older, 'utf8'));
  const pastServices = past.services.map(({ package: pkg, service, version, rpcs }) => ({
    package: pkg,
    service,
    version,
    rpcs: rpcs.map((rpc) => ({
      ...Object.fromEntries(Object.entries(rpc).filter(([key]) => key !== 'mcp')),
      request: qualified(past, pkg, rpc.request),
      response: qualified(past, pkg, rpc.response),
    })),
  }));
  const lacking = (kind, known) =>
    Object.keys(past[kind])
      .filter((name) => !known.has(name))
      .sort();
  // Until 2024-04-18 a registration could make a cluster as well; today's has lost these fields. The sixth, the enforcer's
  // options, would have every login load the messages of clusters; options are changed by updating the cluster.
  const text = (name, json, number) => ({ name, json, number, type: 'string', kind: 'scalar' });
  const added = {
    'chainguard.platform.auth.RegistrationRequest': [
      text('cluster_id', 'clusterId', 2),
      text('cluster_name', 'clusterName', 4),
      text('cluster_description', 'clusterDescription', 5),
    ],
  };
  // Messages that the description names and does not have, as SDK v0.1.19 declares them.
  const one = (...fields) => ({ fields });
  const branch = (name, json, number, type) => ({ name, json, number, type, kind: 'message', oneof: 'ca' });
  Object.assign(past.messages, {
    'chainguard.platform.iam.ActivateVersionRequest': one(text('version_id', 'versionId', 1)),
    'chainguard.platform.iam.ListVersionsRequest': one(text('policy_id', 'policyId', 1)),
    'chainguard.platform.iam.CertificateAuthority': one(
      branch('kms_ca', 'kmsCa', 1, 'chainguard.platform.iam.KMSCA'),
      branch('google_ca', 'googleCa', 2, 'chainguard.platform.iam.GoogleCA'),
    ),
    'chainguard.platform.iam.KMSCA': one(text('key_ref', 'keyRef', 1), text('cert_chain', 'certChain', 2)),
    'chainguard.platform.iam.GoogleCA': one(text('ref', 'ref', 1)),
  });
  const pastParts = [
    `"note": ${JSON.stringify(past.note)}`,
    `"services": [\n${lines(
      pastServices.map(
        ({ rpcs, ...head }) =>
          `${JSON.stringify(head).slice(0, -1)},"rpcs":[\n${lines(rpcs.map((r) => `  ${JSON.stringify(r)}`))}\n]}`,
      ),
    )}\n]`,
    `"messages": ${keyed(lacking('messages', messages), (name) => messageOf(past.messages[name]))}`,
    `"enums": ${keyed(lacking('enums', enums), (name) => past.enums[name].values ?? past.enums[name].VALUES)}`,
    `"added_fields": ${JSON.stringify(added)}`,
  ];
  writeFileSync(fileURLToPath(new URL('../spec/enforce.json', import.meta.url)), `{\n${pastParts.join(',\n')}\n}\n`);
}

function qualified({ messages: known }, pkg, name) {
  return name.includes('.') && !(`${pkg}.${name}` in known) ? name : `${pkg}.${name}`;
}
