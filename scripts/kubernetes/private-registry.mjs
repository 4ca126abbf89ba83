// A registry behind a login, in front of one without: private-registry.mjs REGISTRY USER PASSWORD, as a process of its own because
// who tests with it waits for other programs. Prints its address.

import { createServer, request } from 'node:http';

const [registry, user, password] = process.argv.slice(2);
const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const server = createServer((incoming, response) => {
  if (incoming.headers.authorization !== wanted) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="private"' }).end();
    return;
  }
  const { url, method, headers } = incoming;
  const call = request(`http://${registry}${url}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  call.on('error', () => response.destroy());
  incoming.pipe(call);
});
server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`));
