// The console, as ratios to its peers in the same run: the page of 1,000 pull tokens to the same list over REST; the bytes of that
// page with its files to 60 kB; its first paint in Chromium to that of the static page of an older build; the first page of
// `chainctl console` to `chainctl version` and one call of the API.
//
// Usage: npm run bench:console -- --against=FOLDER [--tokens=1000] [--rounds=9]; FOLDER is a checkout of 396ce0c that is built.
// Needs /usr/bin/chromium.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { median, option, platformOf, program, signedIn, started } from './bench-support.mjs';

const against = option('against');
const tokens = option('tokens') ?? '1000';
const rounds = Number(option('rounds') ?? 9);
if (against === undefined || !existsSync(join(against, 'dist', 'chainctl.cjs'))) {
  console.error('bench:console: say which build has the static page: --against=FOLDER of a checkout that is built');
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-console-'));

const milliseconds = async (work) => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};

/** Milliseconds to the first byte; the rest is read too. */
async function firstByte(url, headers) {
  const began = performance.now();
  const response = await fetch(url, { headers, redirect: 'manual' });
  const reader = response.body.getReader();
  await reader.read();
  const ms = performance.now() - began;
  for (let { done } = await reader.read(); !done; { done } = await reader.read());
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  return ms;
}

/** Bytes that travel, body only. */
async function compressedBytes(url, headers) {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    request(url, { headers: { ...headers, 'accept-encoding': 'br, gzip' } }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const body = Buffer.concat(chunks);
        const coding = response.headers['content-encoding'];
        const plain = coding === 'br' ? brotliDecompressSync(body) : coding === 'gzip' ? gunzipSync(body) : body;
        resolve({ bytes: body.length, coding: coding ?? 'none', text: plain.toString() });
      });
    })
      .on('error', reject)
      .end();
  });
}

/** Signs in on the platform's page, as a browser without a window; gives the cookie. */
async function signIn(api) {
  const cookies = new Map();
  const visit = async (address, init = {}) => {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const response = await fetch(new URL(address, api), {
      ...init,
      redirect: 'manual',
      headers: { ...init.headers, ...(cookie === '' ? {} : { cookie }) },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return response;
  };
  const asked = await visit('/console');
  const form = await (await visit(asked.headers.get('location'))).text();
  const response = await visit('/oauth/sign-in', {
    method: 'POST',
    headers: { origin: api, 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      state: /name="state" value="([^"]+)"/.exec(form)?.[1] ?? '',
      email: 'dev@example.com',
    }).toString(),
  });
  const session = [...cookies].find(([name]) => /^chainctl-console-\d+$/.test(name));
  if (session === undefined) throw new Error(`the sign-in answered ${response.status}`);
  return session.join('=');
}

/** Milliseconds to the first contentful paint of a page of its own. */
async function firstPaint(browser, url, cookie) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
  try {
    if (cookie !== undefined) {
      const [name, ...value] = cookie.split('=');
      await context.addCookies([{ name, value: value.join('='), url }]);
    }
    const page = await context.newPage();
    await page.goto(url);
    return await page.evaluate(
      () =>
        new Promise((resolve) => {
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries())
              if (entry.name === 'first-contentful-paint') resolve(entry.startTime);
          }).observe({ type: 'paint', buffered: true });
        }),
    );
  } finally {
    await context.close();
  }
}

/** Milliseconds from the start of `chainctl console` to its first page; the code is sent as the file's form sends it. */
async function firstPage(env) {
  const began = performance.now();
  const console = await started([program, 'console', '--no-browser', '-o', 'json'], env);
  const { readFileSync } = await import('node:fs');
  const code = /name="code" value="([^"]+)"/.exec(readFileSync(fileURLToPath(console.file), 'utf8'))?.[1] ?? '';
  const entered = await fetch(`${console.url}code`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ code }),
  });
  const cookie = entered.headers.getSetCookie()[0].split(';')[0];
  let address = new URL(entered.headers.get('location'), console.url);
  for (let steps = 0; steps < 4; steps += 1) {
    const response = await fetch(address, { headers: { cookie }, redirect: 'manual' });
    const text = await response.text();
    if (response.status === 200 && text.includes('Overview')) break;
    const location = response.headers.get('location');
    if (location === null) throw new Error(`${address} answered ${response.status}`);
    address = new URL(location, address);
  }
  const ms = performance.now() - began;
  await console.stop('SIGINT');
  return ms;
}

const command = (env, ...args) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { env, stdio: 'ignore' });
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(' ')} ended with ${code}`))));
  });

function report(name, ours, theirs, aim, unit = 'ms') {
  const ratio = ours / theirs;
  const verdict = ratio <= aim ? 'met' : 'NOT MET';
  console.log(
    `${name}: ${ours.toFixed(1)} ${unit} to ${theirs.toFixed(1)} ${unit}, ratio ${ratio.toFixed(2)} (at most ${aim}: ${verdict})`,
  );
}

async function main() {
  if (spawnSync('/usr/bin/chromium', ['--version']).status !== 0) throw new Error('/usr/bin/chromium is needed');
  const platform = await platformOf('bench-console-platform.ts', folder, tokens);
  const base = await started(
    [join(against, 'bin/chainctl.js'), 'local', 'start', `--data-dir=${join(folder, 'base')}`, '--output=json'],
    { PATH: process.env.PATH, HOME: folder },
  );
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  try {
    const { api, token } = platform;
    const session = await signIn(api);
    const env = signedIn(folder, platform);
    const bearer = { authorization: `Bearer ${token}` };
    const { items } = await (await fetch(`${api}/iam/v1/groups`, { headers: bearer })).json();
    const organization = items.find(({ name }) => name === 'example.com').id;
    const page = `${api}/console/${organization}/settings/pull-tokens`;
    const rest = `${api}/iam/v1/identities?uidp.descendants_of=${organization}`;
    const seen = { page: [], rest: [], paint: [], static: [], console: [], version: [] };
    for (let round = 0; round <= rounds; round += 1) {
      const [lists, pages] = [[], []];
      for (let at = 0; at < 15; at += 1) {
        lists.push(await firstByte(rest, bearer));
        pages.push(await firstByte(page, { cookie: session }));
      }
      const one = {
        rest: median(lists),
        page: median(pages),
        static: await firstPaint(browser, base.console),
        paint: await firstPaint(browser, page, session),
        version: await milliseconds(async () => {
          await command(env, 'version');
          await firstByte(`${api}/iam/v1/groups`, bearer);
        }),
        console: await firstPage(env),
      };
      // The first warms up.
      if (round > 0) for (const [name, value] of Object.entries(one)) seen[name].push(value);
    }
    const first = await compressedBytes(page, { cookie: session });
    const files = [...first.text.matchAll(/(?:src|href)="([^"]+\.(?:css|js|svg|png|ico)[^"]*)"/g)].map(([, at]) => at);
    let bytes = first.bytes;
    for (const file of new Set(files)) bytes += (await compressedBytes(new URL(file, page), { cookie: session })).bytes;
    console.log(`${tokens} pull tokens, medians of ${rounds}, load ${loadavg()[0].toFixed(1)}`);
    report('first byte of the page, to REST', median(seen.page), median(seen.rest), 2);
    report(`page with ${new Set(files).size} files (${first.coding}), to 60 kB`, bytes / 1000, 60, 1, 'kB');
    report('first contentful paint, to the static page', median(seen.paint), median(seen.static), 1.5);
    report(
      'chainctl console to its first page, to version and a call',
      median(seen.console),
      median(seen.version),
      1.5,
    );
  } finally {
    await browser.close();
    await base.stop('SIGTERM');
    await platform.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
