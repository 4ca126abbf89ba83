// Examples of answers, for questions that are answered by typing. By the word that stands for the value in help, so
// that a new input of a known kind has its example.

import type { Input } from '../define.ts';

const byMetavar: Readonly<Record<string, string>> = {
  ACCOUNT: '123456789012',
  'CLAIM:REGEX': 'ref:refs/heads/.*',
  CLIENT_ID: '0oa1b2c3d4',
  'COMPONENT_NAME=CLIENT_ID': 'agentless=00000000-0000-4000-8000-000000000000',
  DURATION: '24h',
  FILE: './my-file.json',
  GROUP: 'platform-engineers',
  'GROUP/PROJECT': 'acme/app',
  IMAGE: 'cgr.dev/example.com/app:latest',
  IMAGE_REF: 'python:latest',
  ISSUER: 'https://acme.okta.com',
  JWKS: './jwks.json',
  'KEY=VALUE': 'team=platform',
  NAME: 'my-app',
  'NAMESPACE/NAME': 'default/builder',
  'ORG/PIPELINE': 'acme/app',
  'ORG_ID/PROJECT_ID': '8a1b2c3d/4e5f6a7b',
  'OWNER/NAME': 'acme/app',
  PROJECT_ID: 'acme-production',
  PROJECT_NUMBER: '123456789012',
  REF: 'refs/heads/main',
  REGEX: '^repo:acme/.*$',
  REPORT: './access.json',
  REPO_NAME: 'app',
  SINK_URL: 'https://hooks.example.com/chainguard',
  TENANT_ID: '00000000-0000-4000-8000-000000000000',
  TEXT: 'Builds the images of one service',
  URL: 'https://issuer.example.com',
  'YYYY-MM-DD': '2026-12-31',
};

export const exampleOf = ({ example, kind }: Input): string | undefined =>
  kind.secret ? undefined : (example ?? byMetavar[kind.metavar]);
