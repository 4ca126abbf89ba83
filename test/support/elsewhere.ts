import type { TestPlatform } from './platform.ts';
import { submitSignIn } from './sign-in.ts';

interface Page {
  readonly status: number;
  readonly text: string;
  readonly cookie: string;
  readonly state: string;
}

async function toPage(response: Response): Promise<Page> {
  const text = await response.text();
  return {
    status: response.status,
    text,
    cookie: (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '',
    state: /name="state" value="([^"]+)"/.exec(text)?.[1] ?? '',
  };
}

/** A person on another device who opens an address and signs in as `email`, or cancels. Gives the pages seen. */
export async function signInOn(platform: TestPlatform, url: string, email: string | undefined): Promise<Page[]> {
  const first = await toPage(await fetch(url));
  if (first.status !== 200) return [first];
  return [first, await toPage(await submitSignIn(platform, first, email === undefined ? { deny: 'true' } : { email }))];
}

/** The same with a code that is typed. */
export async function typeCode(platform: TestPlatform, userCode: string, email: string | undefined): Promise<Page[]> {
  const { issuer } = platform.urls;
  const body = new URLSearchParams({ user_code: userCode });
  const first = await toPage(await fetch(`${issuer}/activate`, { method: 'POST', body }));
  if (first.status !== 200) return [first];
  return [first, await toPage(await submitSignIn(platform, first, email === undefined ? { deny: 'true' } : { email }))];
}
