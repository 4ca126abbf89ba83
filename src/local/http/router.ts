import { lazily } from '../core/lazily.ts';
import type { Route } from '../core/module.ts';
import type { HttpHandler } from '../core/types.ts';

/** Answers each path by the route with the longest prefix, loaded at its first request. Throws for a prefix of two routes. */
export function createRouter(routes: readonly Route[]): HttpHandler {
  const sorted = [...routes].sort((a, b) => b.prefix.length - a.prefix.length);
  const twice = sorted.find(({ prefix }, at) => sorted[at + 1]?.prefix === prefix);
  if (twice !== undefined) throw new TypeError(`two modules answer ${twice.prefix}`);
  const table = sorted.map(({ prefix, load }) => ({ prefix, handler: lazily(load) }));
  return {
    async handle(request, response, url) {
      const found = table.find(({ prefix }) => isBelow(url.pathname, prefix));
      return found !== undefined && (await found.handler()).handle(request, response, url);
    },
  };
}

function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || /[/:]/.test(path[prefix.length] ?? ''));
}
