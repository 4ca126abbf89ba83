// A browser without a window, signed in to the console of a platform: keeps cookies, follows where forms lead, and sends what
// browsers send along.

export interface ConsolePage {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Where it led, path and query. */
  readonly at: string;
}

export interface ConsoleBrowser {
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<ConsolePage>;
  /** Loads the page of a form, fills it in and sends it. */
  submit(path: string, fields: Readonly<Record<string, string>>): Promise<ConsolePage>;
  /** Sends a form as it is, from this origin unless said otherwise, and follows where it leads. */
  post(
    path: string,
    fields: Readonly<Record<string, string>> | URLSearchParams,
    headers?: Readonly<Record<string, string>>,
  ): Promise<ConsolePage>;
  /** Cookies by name. */
  readonly cookies: Map<string, string>;
}

export function openConsole(origin: string): ConsoleBrowser {
  const cookies = new Map<string, string>();
  const send = async (path: string, init: RequestInit & { headers?: Record<string, string> }): Promise<ConsolePage> => {
    let response: Response | undefined;
    let at = path;
    let request = init;
    for (let steps = 0; steps < 8; steps += 1) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      response = await fetch(`${origin}${at}`, {
        ...request,
        redirect: 'manual',
        headers: { connection: 'close', ...request.headers, ...(cookie === '' ? {} : { cookie }) },
      });
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === '') cookies.delete(name);
        else cookies.set(name, value);
      }
      const location = response.headers.get('location');
      if (location === null) break;
      await response.arrayBuffer();
      const url = new URL(location, `${origin}${at}`);
      at = `${url.pathname}${url.search}`;
      request = { method: 'GET' };
    }
    if (response === undefined) throw new Error('nothing was asked');
    return { status: response.status, headers: response.headers, text: await response.text(), at };
  };
  const browser: ConsoleBrowser = {
    cookies,
    get: (path, headers = {}) => send(path, { method: 'GET', headers }),
    async submit(path, fields) {
      const page = await browser.get(path);
      const form = formIdOf(page);
      return browser.post(page.at, { form, ...fields });
    },
    post: (path, fields, headers = { origin, 'sec-fetch-site': 'same-origin' }) =>
      send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams(fields as Record<string, string>).toString(),
      }),
  };
  return browser;
}

export const formIdOf = ({ text }: ConsolePage): string => /name="form" value="([^"]+)"/.exec(text)?.[1] ?? '';

/** Signs in on the platform's page, by address or as one who is offered there; ends at the console's first page. */
export async function signInToConsole(
  origin: string,
  who: string | { readonly subject: string },
  path = '/console',
): Promise<ConsoleBrowser & { readonly first: ConsolePage }> {
  const browser = openConsole(origin);
  const page = await browser.get(path);
  const state = /name="state" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const first = await browser.post('/oauth/sign-in', { state, ...(typeof who === 'string' ? { email: who } : who) });
  return Object.assign(browser, { first });
}
