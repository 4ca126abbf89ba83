// The webhook's own HTTPS. Guarantees: only who knows the path gets an answer; a body, a queue and a wait have limits, and
// whatever goes beyond one, or goes wrong, is a refusal with a reason.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { OwnCertificate } from './certificate.ts';
import { type AdmissionRequest, type AdmissionResponse, refuse } from './review.ts';

export interface WebhookOptions {
  readonly certificate: OwnCertificate;
  /** Address to listen on; all there are without one. */
  readonly address: string | undefined;
  /** 0 for whatever is free. */
  readonly port: number;
  /** Nobody else knows it. */
  readonly secret: string;
  readonly mutate: (request: AdmissionRequest, signal: AbortSignal) => Promise<AdmissionResponse>;
  readonly validate: (request: AdmissionRequest, signal: AbortSignal) => Promise<AdmissionResponse>;
  /** Errors are turned into warnings (`webhook_fail_open`). */
  readonly failsOpen: () => boolean;
  readonly onError: (error: unknown) => void;
  /** Milliseconds until a request without a verdict is refused; below the 25 s that the API server waits. */
  readonly deadlineMs?: number;
}

export interface Webhook {
  readonly port: number;
  stop(): Promise<void>;
}

/** Bytes. The API server takes objects of 3 MiB; a review holds two, and more. */
const maxReviewBytes = 10 * 1024 * 1024;
const maxConcurrentReviews = 64;

export async function startWebhook(options: WebhookOptions): Promise<Webhook> {
  const { certificate, secret, onError, deadlineMs = 20_000 } = options;
  let running = 0;
  const server: Server = createServer(
    { cert: certificate.certificate, key: certificate.key, minVersion: 'TLSv1.2' },
    (request, response) => {
      void answer(request, response).catch((error: unknown) => {
        onError(error);
        response.destroy();
      });
    },
  );
  server.requestTimeout = 30_000;
  // An API server keeps its connection for 90 s (Go's transport); the pod that comes next then needs no handshake.
  server.keepAliveTimeout = 120_000;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace(/\?.*$/s, '');
    const handler =
      path === `/${secret}/validations`
        ? options.validate
        : path === `/${secret}/mutations`
          ? options.mutate
          : undefined;
    if (handler === undefined || request.method !== 'POST') {
      response.writeHead(404).end();
      return;
    }
    const body = await readBody(request);
    if (body === undefined) {
      response.writeHead(413).end('the review is larger than 10 MiB');
      return;
    }
    const review = reviewIn(body);
    if (review === undefined) {
      response.writeHead(400).end('the body is no AdmissionReview of admission.k8s.io/v1');
      return;
    }
    const answered = await decide(review, handler);
    const text = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answered });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  }

  async function decide(review: AdmissionRequest, handler: WebhookOptions['validate']): Promise<AdmissionResponse> {
    const fail = (reason: string): AdmissionResponse =>
      options.failsOpen()
        ? { uid: review.uid, allowed: true, warnings: [`enforcer.chainguard.dev: ${reason}`.slice(0, 250)] }
        : refuse(review.uid, `validation failed: ${reason}`);
    if (running >= maxConcurrentReviews)
      return fail(`the webhook is busy with ${maxConcurrentReviews} other requests; try again`);
    running += 1;
    const deadline = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<AdmissionResponse>((resolve) => {
        timer = setTimeout(() => {
          resolve(fail(`no verdict within ${deadlineMs / 1000} s`));
          deadline.abort();
        }, deadlineMs);
      });
      return await Promise.race([handler(review, deadline.signal), late]);
    } catch (error) {
      onError(error);
      return fail(error instanceof Error ? error.message : 'internal error');
    } finally {
      clearTimeout(timer);
      running -= 1;
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: options.port, host: options.address }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 1000).unref();
      }),
  };
}

/** Undefined for one that is too large, which is read to its end so that the answer is, too. */
function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxReviewBytes) chunks.push(chunk);
    });
    request.on('end', () => resolve(size > maxReviewBytes ? undefined : Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the request ended early')));
  });
}

function reviewIn(body: string): AdmissionRequest | undefined {
  try {
    const { apiVersion, request } = JSON.parse(body) as { apiVersion?: string; request?: AdmissionRequest };
    const isWhole = typeof request?.uid === 'string' && typeof request.resource?.resource === 'string';
    return apiVersion === 'admission.k8s.io/v1' && isWhole ? request : undefined;
  } catch {
    return undefined;
  }
}
