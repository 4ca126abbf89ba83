import type { TestPlatform } from './platform.ts';

/** The sign-in page as a browser without scripts would hold it. */
export interface OpenedPage {
  readonly status: number;
  readonly html: string;
  readonly cookie: string;
  readonly state: string;
  readonly headers: Headers;
}

const redirect = 'http://localhost:44723/callback?token=true&error=true';

/** Opens the page for a program that waits on a port of its own. */
export async function openSignIn(
  platform: TestPlatform,
  parameters: Readonly<Record<string, string>> = {},
): Promise<OpenedPage> {
  const query = new URLSearchParams({ exit: 'redirect', client_id: 'auth0', redirect, ...parameters });
  const response = await fetch(`${platform.urls.issuer}/oauth?${query}`, { redirect: 'manual' });
  const html = await response.text();
  return {
    status: response.status,
    html,
    headers: response.headers,
    cookie: (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '',
    state: /name="state" value="([^"]+)"/.exec(html)?.[1] ?? '',
  };
}

/** Sends the page's form. */
export function submitSignIn(
  platform: TestPlatform,
  page: Pick<OpenedPage, 'state' | 'cookie'>,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${platform.urls.issuer}/oauth/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { ...(page.cookie === '' ? {} : { cookie: page.cookie }), ...headers },
    body: new URLSearchParams({ state: page.state, ...fields }),
  });
}

/** Returns where the browser is sent at the end of a sign-in. */
export async function signInByForm(
  platform: TestPlatform,
  parameters: Readonly<Record<string, string>>,
  fields: Readonly<Record<string, string>>,
): Promise<URL> {
  const response = await submitSignIn(platform, await openSignIn(platform, parameters), fields);
  const location = response.headers.get('location');
  if (location === null) throw new Error(`the sign-in did not end: ${response.status} ${await response.text()}`);
  return new URL(location);
}
