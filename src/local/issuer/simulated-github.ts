// The one question that `identities create github` asks GitHub, answered for every repository: with the ids that the
// simulated tokens of its workflows have. Guarantees: knows nothing of the platform.

import { githubIds } from '../../trust/ci-claims.ts';
import type { HttpHandler } from '../core/types.ts';

/** `GET /simulated/github/repos/OWNER/NAME`, as GitHub's REST reference has "Get a repository". */
export function createSimulatedGithub(): HttpHandler {
  return {
    async handle(request, response, { pathname }) {
      if (!pathname.startsWith('/simulated/github/')) return false;
      const [, owner, name] = /^\/simulated\/github\/repos\/([\w.-]+)\/([\w.-]+)$/.exec(pathname) ?? [];
      response.setHeader('content-type', 'application/json; charset=utf-8');
      if (owner === undefined || name === undefined || request.method !== 'GET') {
        response.writeHead(404).end('{"message":"Not Found"}');
        return true;
      }
      const ids = githubIds(owner, name);
      const repository = {
        id: Number(ids.repository),
        name,
        full_name: `${owner}/${name}`,
        owner: { login: owner, id: Number(ids.owner) },
      };
      response.writeHead(200).end(JSON.stringify(repository));
      return true;
    },
  };
}
