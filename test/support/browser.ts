/**
 * Stands in for a person with a browser: opens the login page, signs in as `email` (or cancels), and follows the
 * redirects to the program that waits. Returns each address visited with its status, and the text of the last page.
 */
export async function signInAs(
  url: string,
  email: string | undefined,
): Promise<{ visited: { url: string; status: number }[]; text: string }> {
  const visited: { url: string; status: number }[] = [];
  const visit = async (address: string, init: RequestInit = {}) => {
    const response = await fetch(address, { redirect: 'manual', ...init });
    visited.push({ url: address, status: response.status });
    return response;
  };
  let response = await visit(url);
  let text = await response.text();
  if (response.status === 200) {
    const state = /name="state" value="([^"]+)"/.exec(text)?.[1] ?? '';
    const cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    response = await visit(new URL('/oauth/sign-in', url).href, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ state, ...(email === undefined ? { deny: 'true' } : { email }) }).toString(),
    });
    text = await response.text();
  }
  for (let steps = 0; steps < 5 && response.status >= 300 && response.status < 400; steps += 1) {
    response = await visit(response.headers.get('location') ?? '');
    text = await response.text();
  }
  return { visited, text };
}
