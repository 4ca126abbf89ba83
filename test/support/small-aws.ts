import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

const credentialsFor = (number: number) => ({
  AccessKeyId: `ASIA${number}`,
  SecretAccessKey: `secret-${number}`,
  SessionToken: `session-${number}`,
});

/** Returns what AWS makes of a signed request: computed from the request alone, by a second hand. */
export async function smallAws(users: Readonly<Record<string, { secret: string; arn: string; userId: string }>>) {
  /** Actions other than GetCallerIdentity, with who asked and what for. */
  const assumed: Record<string, string>[] = [];
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const headers = request.headers as Record<string, string>;
    if (request.method === 'POST' && (headers['content-type'] ?? '').includes('form')) {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.once('end', () => {
        assumed.push({ by: 'token', ...Object.fromEntries(new URLSearchParams(body)) });
        const AssumeRoleWithWebIdentityResult = { Credentials: credentialsFor(assumed.length) };
        response.end(JSON.stringify({ AssumeRoleWithWebIdentityResponse: { AssumeRoleWithWebIdentityResult } }));
      });
      return;
    }
    const auth = headers['authorization'] ?? '';
    const [, key = '', date = '', region = '', service = ''] =
      /Credential=([^/]+)\/(\d+)\/([^/]+)\/([^/]+)\//.exec(auth) ?? [];
    const names = (/SignedHeaders=([^,]+)/.exec(auth)?.[1] ?? '').split(';');
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const canonical = `${request.method}\n${path}\n${query}\n${names.map((name) => `${name}:${headers[name]}\n`).join('')}\n${names.join(';')}\n${hash('')}`;
    const toSign = `AWS4-HMAC-SHA256\n${headers['x-amz-date']}\n${date}/${region}/${service}/aws4_request\n${hash(canonical)}`;
    const user = users[key];
    const mac = (secret: string | Buffer, text: string) => createHmac('sha256', secret).update(text).digest();
    const signature = mac(mac(mac(mac(mac(`AWS4${user?.secret}`, date), region), service), 'aws4_request'), toSign);
    seen.push(headers['host'] ?? '');
    // AWS wants the host signed, and of its own headers every one that is there.
    const unsigned = Object.keys(headers).find((name) => /^(host|x-amz-.*)$/.test(name) && !names.includes(name));
    if (unsigned !== undefined || user === undefined || !auth.endsWith(`Signature=${signature.toString('hex')}`)) {
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"Error":{"Code":"SignatureDoesNotMatch"}}');
      return;
    }
    const wanted = new URLSearchParams(query);
    if (wanted.get('Action') === 'AssumeRole') {
      assumed.push({ by: key, ...Object.fromEntries(wanted) });
      response.end(
        JSON.stringify({ AssumeRoleResponse: { AssumeRoleResult: { Credentials: credentialsFor(assumed.length) } } }),
      );
      return;
    }
    const GetCallerIdentityResult = { Account: '123456789012', Arn: user.arn, UserId: user.userId };
    response.end(JSON.stringify({ GetCallerIdentityResponse: { GetCallerIdentityResult } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, assumed };
}
