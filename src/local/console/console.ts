import { grpcCodes } from '../../api/status.ts';
import { type HttpHandler, type PlatformUrls, StatusError } from '../core/types.ts';
import { sendHtml } from '../http/answers.ts';

/** `/console`, and `/` which leads there: for whoever opens the platform's address in a browser. Tells no secret. */
export function createConsole(urls: PlatformUrls): HttpHandler {
  return {
    async handle(request, response, url) {
      if (url.pathname !== '/' && url.pathname !== '/console') return false;
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
      }
      if (url.pathname === '/') response.setHeader('location', '/console');
      sendHtml(response, url.pathname === '/' ? 302 : 200, page(urls));
      return true;
    },
  };
}

function page(urls: PlatformUrls): string {
  const rows = [
    ['API', urls.api],
    ['Issuer', urls.issuer],
    ['Registry', urls.registry],
  ].map(([name = '', url = '']) => `<tr><th scope="row">${name}</th><td><code>${escapeHtml(url)}</code></td></tr>`);
  const commands = ['eval "$(chainctl local env)"', 'chainctl auth login', 'chainctl iam organizations list'];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>chainctl local platform</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 44rem; padding: 0 1rem; }
th { text-align: left; padding-right: 1.5rem; font-weight: 600; vertical-align: top; }
td { overflow-wrap: anywhere; }
pre { padding: 1rem; border: 1px solid; border-radius: 0.5rem; overflow-x: auto; }
</style>
</head>
<body>
<main>
<h1>chainctl local platform</h1>
<p>This is a platform emulator that runs on this machine. It is not operated by Chainguard, and nothing it holds leaves the machine.</p>
<h2>Addresses</h2>
<table>
${rows.join('\n')}
</table>
<h2>First steps</h2>
<p>Type these in a shell:</p>
<pre><code>${commands.map(escapeHtml).join('\n')}</code></pre>
<p><code>chainctl local stop</code> ends it; <code>chainctl local --help</code> lists everything else.</p>
</main>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
