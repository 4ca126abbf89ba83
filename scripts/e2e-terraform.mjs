// What `iam export --format terraform` writes, planned by the official provider: everything is imported and nothing changes. And
// what `iam plan --from-plan` says of a plan, beside what is so once Terraform has applied it. Says that it did not run, and ends
// well, where Terraform (or OpenTofu) or Go is missing. Not part of .ci/run: building the provider takes minutes and a network.
//
//   npm run e2e:terraform          TERRAFORM=tofu names another program, PROVIDER=folder one with the built provider

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const version = 'v0.4.1';
const root = fileURLToPath(new URL('..', import.meta.url));
const terraform = process.env.TERRAFORM ?? 'terraform';
const provider = process.env.PROVIDER ?? join(homedir(), '.cache', 'chainctl-terraform', version);
const binary = join(provider, 'terraform-provider-chainguard');
const missing = [[terraform, 'version'], ...(existsSync(binary) ? [] : [['go', 'version']])]
  .filter(([program, ...args]) => spawnSync(program, args).error !== undefined)
  .map(([program]) => program);
if (missing.length > 0) {
  console.log(`e2e:terraform did not run: there is no ${missing.join(', no ')} here`);
  process.exit(0);
}
if (!existsSync(binary)) {
  const module = `github.com/chainguard-dev/terraform-provider-chainguard@${version}`;
  const built = spawnSync('go', ['install', module], { stdio: 'inherit', env: { ...process.env, GOBIN: provider } });
  assert.equal(built.status, 0, 'the provider was built');
}

const folder = mkdtempSync(join(tmpdir(), 'chainctl-e2e-terraform-'));
const work = join(folder, 'work');
mkdirSync(work);
const rc = join(folder, 'terraform.rc');
const overrides = `dev_overrides { "chainguard-dev/chainguard" = ${JSON.stringify(provider)} }`;
writeFileSync(rc, `provider_installation {\n  ${overrides}\n  direct {}\n}\n`);
let env = {
  ...process.env,
  HOME: folder,
  XDG_CACHE_HOME: join(folder, 'cache'),
  XDG_DATA_HOME: join(folder, 'data'),
  XDG_CONFIG_HOME: join(folder, 'config'),
  TF_CLI_CONFIG_FILE: rc,
  CHECKPOINT_DISABLE: '1',
  IDP_SECRET: 'any-secret',
  TF_VAR_sso_client_secret: 'any-secret',
};

function run(program, args, { input = '', codes = [0] } = {}) {
  const done = spawnSync(program, args, { cwd: work, env, input, encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.ok(codes.includes(done.status), `${program} ${args.join(' ')}: ${done.status}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}
const chainctl = (args, options) => run(process.execPath, [join(root, 'bin/chainctl.js'), ...args], options);
const write = (name, text) => writeFileSync(join(work, name), text);

const subject = (name) => `repo:acme/${name}:ref:refs/heads/main`;
const github = 'https://token.actions.githubusercontent.com';
const organization = {
  version: 1,
  organization: 'example.com',
  folders: [{ path: 'pay ments', description: `Not a ${'$'}{template}, "quoted" %{too}` }, { path: 'pay ments/ci' }],
  roles: [
    { name: 'pusher', capabilities: ['repo.list', 'repo.create', 'groups.list'] },
    { name: 'narrow', in: 'engineering', description: 'Reads', capabilities: ['repo.list', 'groups.list'] },
  ],
  identityProviders: [
    {
      name: 'sso',
      defaultRole: 'viewer',
      oidc: { issuer: 'https://accounts.google.com', clientId: 'a', clientSecretFrom: 'IDP_SECRET' },
    },
  ],
  identities: [
    { name: 'ci', in: 'pay ments/ci', claimMatch: { issuer: github, subject: subject('pay'), claims: { actor: 'x' } } },
    {
      name: 'deploy',
      claimMatch: {
        issuer: github,
        subjectPattern: '^repo:acme/.*$',
        claimPatterns: { ref: '^refs/.*$' },
        audience: 'me',
      },
    },
    {
      name: 'lambda',
      awsIdentity: {
        awsAccount: '012345678901',
        arn: 'arn:aws:sts::012345678901:assumed-role/a/b',
        userIdPattern: '^AROA.*$',
      },
    },
    { name: 'catalog', servicePrincipal: 'CATALOG_SYNCER' },
  ],
  bindings: [
    { identity: 'ci', role: 'pusher', in: 'pay ments' },
    { identity: 'deploy', role: 'narrow', in: 'engineering' },
    { user: 'guest@example.com', role: 'editor', in: 'sandbox' },
  ],
  accountAssociations: [{ in: 'pay ments', name: 'clouds', amazon: { account: '012345678901' } }],
};

const extra = `
resource "chainguard_role" "tiny" {
  name         = "tiny"
  parent_id    = chainguard_group.example_com.id
  capabilities = ["repo.list", "groups.list"]
}
module "team" {
  for_each = toset(["blue", "red"])
  source   = "./team"
  parent   = chainguard_group.engineering.id
  name     = each.key
  role     = chainguard_role.tiny.id
}
resource "chainguard_rolebinding" "outer" {
  for_each = module.team
  identity = each.value.first
  group    = each.value.group
  role     = chainguard_role.pusher.id
}
`;
const team = `
terraform {
  required_providers {
    chainguard = { source = "chainguard-dev/chainguard" }
  }
}
variable "parent" {}
variable "name" {}
variable "role" {}
resource "chainguard_group" "this" {
  name      = var.name
  parent_id = var.parent
}
resource "chainguard_identity" "ci" {
  count     = 2
  name      = "ci-\${count.index}"
  parent_id = chainguard_group.this.id
  claim_match {
    issuer  = "${github}"
    subject = "repo:acme/\${var.name}:ref:refs/heads/main"
  }
}
resource "chainguard_rolebinding" "ci" {
  count    = 2
  identity = chainguard_identity.ci[count.index].id
  group    = chainguard_group.this.id
  role     = var.role
}
output "group" { value = chainguard_group.this.id }
output "first" { value = chainguard_identity.ci[0].id }
`;

/** Who gains (or, the other way round, loses) which capability where. */
const sweep = (plan, gains) =>
  plan.access
    .flatMap(({ who, direction, capabilities, locations }) =>
      capabilities.map(
        (one) => `${(direction === 'gains') === gains ? '+' : '-'} ${who} ${one} ${JSON.stringify(locations)}`,
      ),
    )
    .sort();

try {
  chainctl(['local', 'start', '--detach']);
  for (const [, name, value] of chainctl(['local', 'env']).matchAll(/^export (\w+)=(.*)$/gm))
    env = { ...env, [name]: value };
  write('dev.jwt', chainctl(['local', 'token']));
  chainctl(['auth', 'login', '--identity-token', 'dev.jwt']);
  write('iam.json', JSON.stringify(organization));
  chainctl(['iam', 'apply', '-f', 'iam.json', '--yes']);

  write('main.tf', chainctl(['iam', 'export', '--parent=example.com', '--format=terraform']));
  run(terraform, ['fmt', '-check', 'main.tf']);
  run(terraform, ['plan', '-out=first', '-no-color']);
  const first = JSON.parse(run(terraform, ['show', '-json', 'first']));
  const changing = first.resource_changes.filter(
    ({ mode, change }) => mode !== 'data' && change.actions[0] !== 'no-op',
  );
  assert.deepEqual(
    changing.map(({ address }) => address),
    [],
  );
  const imported = first.resource_changes.filter(({ change }) => change.importing).length;
  run(terraform, ['apply', '-auto-approve', '-no-color', 'first']);
  run(terraform, ['plan', '-detailed-exitcode', '-no-color']);
  console.log(
    `${imported} resources of ${new Set(first.resource_changes.map(({ type }) => type)).size} types imported, no change`,
  );

  write('before.yaml', chainctl(['iam', 'export', '--parent=example.com']));
  mkdirSync(join(work, 'team'));
  write('team/main.tf', team);
  write('extra.tf', extra);
  write(
    'main.tf',
    readFileSync(join(work, 'main.tf'), 'utf8').replace(
      '["groups.list", "repo.create", "repo.list"]',
      '["groups.list", "tag.list"]',
    ),
  );
  mkdirSync(join(work, '.terraform/modules'), { recursive: true });
  run(terraform, ['get']);
  run(terraform, ['plan', '-out=second', '-no-color']);
  write('second.json', run(terraform, ['show', '-json', 'second']));
  const said = JSON.parse(chainctl(['iam', 'plan', '--from-plan=second.json', '-ojson'], { codes: [3] }));
  assert.equal(said.unsure, undefined);
  run(terraform, ['apply', '-auto-approve', '-no-color', 'second']);
  const back = JSON.parse(chainctl(['iam', 'plan', '-f', 'before.yaml', '--prune', '-ojson'], { codes: [3] }));
  assert.deepEqual(sweep(said, true), sweep(back, false));
  console.log(
    `${said.changes.length} changes said before, and ${sweep(said, true).length} gains and losses were so after terraform apply`,
  );
} finally {
  spawnSync(process.execPath, [join(root, 'bin/chainctl.js'), 'local', 'stop'], { env });
  rmSync(folder, { recursive: true, force: true });
}
