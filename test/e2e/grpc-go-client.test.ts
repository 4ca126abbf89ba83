// The API with grpc-go, on which the official SDK and the Terraform provider are built. The client is go-grpc/main.go and
// knows the messages from spec/api.json alone. Each test says that it is skipped where the client is not on PATH.
//
//   go build -C test/e2e/go-grpc -o "$(go env GOPATH)/bin/grpc-client" .

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { organization, personId } from '../support/ids.ts';
import { startTestPlatform } from '../support/platform.ts';

interface Call {
  readonly method: string;
  readonly request?: object;
  readonly token?: string;
  /** Begins without waiting for those before it. */
  readonly together?: boolean;
}

interface Outcome {
  /** gRPC's code, as Go spells it. */
  readonly code: string;
  readonly message?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly response?: any;
}

const specification = fileURLToPath(new URL('../../spec/api.json', import.meta.url));
const missing = !(process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'grpc-client')));
const iam = 'chainguard.platform.iam';

async function start() {
  const platform = await startTestPlatform();
  const dev = await platform.token(personId('dev@example.com'));
  const guest = await platform.token(personId('guest@example.com'));
  /** One connection's calls, in order; as the developer unless said otherwise. */
  const perform = (...calls: Call[]): Promise<Outcome[]> =>
    talk(
      new URL(platform.urls.api).host,
      calls.map((call) => ({ request: {}, token: dev, ...call })),
    );
  return { platform, dev, guest, perform };
}

function talk(host: string, calls: readonly Call[]): Promise<Outcome[]> {
  return new Promise((resolve, reject) => {
    const client = spawn('grpc-client', [specification, host], { stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    client.stdout.on('data', (chunk) => {
      said += chunk;
    });
    client.on('error', reject);
    client.on('close', (code) => {
      if (code === 0)
        resolve(
          said
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line)),
        );
      else reject(new Error(`grpc-client ended with ${code}`));
    });
    client.stdin.end(calls.map((call) => JSON.stringify(call)).join('\n'));
  });
}

test.skipIf(missing)('grpc-go: a folder and an identity, from their making to their end', async () => {
  const { platform, dev, perform } = await start();
  const [made] = await perform({
    method: `${iam}.Groups/Create`,
    request: { parent: organization, group: { name: 'over-grpc', description: 'ä ✓' } },
  });
  expect(made).toEqual({ code: 'OK', response: { id: expect.any(String), name: 'over-grpc', description: 'ä ✓' } });
  const { id } = made?.response ?? {};

  const claimMatch = {
    issuer: 'https://token.actions.githubusercontent.com',
    subjectPattern: 'repo:acme/app:.*',
    claims: { ref: 'refs/heads/main' },
  };
  const [identity, children, descendants, renamed] = await perform(
    { method: `${iam}.Identities/Create`, request: { parentId: id, identity: { name: 'ci', claimMatch } } },
    { method: `${iam}.Groups/List`, request: { uidp: { childrenOf: organization } } },
    { method: `${iam}.Identities/List`, request: { uidp: { descendantsOf: organization } } },
    { method: `${iam}.Groups/Update`, request: { id, name: 'renamed' } },
  );
  expect(identity?.response).toMatchObject({ name: 'ci', claimMatch, createdAt: expect.stringMatching(/Z$/) });
  expect(children?.response.items).toContainEqual(made?.response);
  expect(descendants?.response.items).toContainEqual(identity?.response);
  expect(renamed).toEqual({ code: 'OK', response: { id, name: 'renamed' } });

  const rest = await platform.call(dev, 'GET', `/iam/v1/groups?id=${encodeURIComponent(id)}`);
  expect(rest.body.items).toEqual([expect.objectContaining({ id, name: 'renamed' })]);

  const gone = await perform(
    { method: `${iam}.Identities/Delete`, request: { id: identity?.response.id } },
    { method: `${iam}.Groups/Delete`, request: { id } },
    { method: `${iam}.Groups/List`, request: { id } },
  );
  expect(gone).toEqual([
    { code: 'OK', response: {} },
    { code: 'OK', response: {} },
    { code: 'OK', response: {} },
  ]);
});

test.skipIf(missing)('grpc-go: each refusal has its code', async () => {
  const { guest, perform } = await start();
  const create = { method: `${iam}.Groups/Create`, request: { parent: organization, group: { name: 'taken' } } };
  const nowhere = `${organization}/0123456789abcdef`;
  const outcomes = await perform(
    create,
    create,
    { ...create, token: guest },
    { ...create, request: { parent: organization, group: { name: 'A/B' } } },
    { ...create, token: 'nonsense' },
    { method: `${iam}.Groups/List`, token: '' },
    { method: `${iam}.Groups/Delete`, request: { id: nowhere } },
    { method: `${iam}.Groups/Delete`, request: { id: organization } },
    { method: `${iam}.Groups/Explode` },
    { method: 'nobody.Knows/This' },
  );
  expect(outcomes.map(({ code }) => code)).toEqual([
    'OK',
    'AlreadyExists',
    'PermissionDenied',
    'InvalidArgument',
    'Unauthenticated',
    'Unauthenticated',
    'NotFound',
    'FailedPrecondition',
    'Unimplemented',
    'Unimplemented',
  ]);
  expect(outcomes[2]?.message).toBe('missing: groups.create');
});

test.skipIf(missing)('grpc-go: five hundred calls at once on one connection', async () => {
  const { perform } = await start();
  const calls = Array.from({ length: 500 }, (_, index) => ({
    method: `${iam}.Groups/Create`,
    request: { parent: organization, group: { name: `g${index}` } },
    together: true,
  }));
  const outcomes = await perform(...calls);
  expect(outcomes.map(({ code, response }) => [code, response?.name])).toEqual(
    calls.map(({ request }) => ['OK', request.group.name]),
  );
});
