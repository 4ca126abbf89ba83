// A certified OpenID provider as a process of its own. Reads its clients as JSON from the first word; prints its issuer.
// Anybody signs in with any password; the name before the `@` decides the groups. With `front` its sign-in page is
// published under another name of this machine, from where browsers are sent on, as large providers do it.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type ClientMetadata } from 'oidc-provider';

const { clients, front = false } = JSON.parse(process.argv[2] ?? '{}') as {
  clients: ClientMetadata[];
  front?: boolean;
};

const server: Server = createServer();
server.listen(0, '127.0.0.1', () => {
  // A listening TCP server has an address with a port.
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients,
    cookies: { keys: ['of-no-secrecy-here'] },
    pkce: { required: () => false },
    scopes: ['openid', 'email', 'profile', 'groups'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    // Groups in the ID token itself, as providers for companies put them.
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: id,
        email_verified: true,
        name: `${id} of the directory`,
        groups: id.startsWith('admin') ? ['admins', 'everybody'] : ['everybody'],
      }),
    }),
  });
  const serve = () => {
    server.on('request', provider.callback());
    process.stdout.write(`${issuer}\n`);
  };
  if (!front) return serve();
  const door = createServer((request, response) => {
    response.writeHead(302, { location: `${issuer}${request.url}` }).end();
  });
  door.listen(0, '127.0.0.1', () => {
    const { port } = door.address() as AddressInfo;
    provider.use(async (context, next) => {
      await next();
      if (context.path !== '/.well-known/openid-configuration') return;
      Object.assign(context.body as object, { authorization_endpoint: `http://localhost:${port}/auth` });
    });
    serve();
  });
});
