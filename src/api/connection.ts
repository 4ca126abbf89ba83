// Sends one HTTP exchange: directly, or through a proxy.

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';

export interface HttpHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface RawRequest {
  readonly url: URL;
  readonly method: HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
}

export interface RawResponse extends HttpHead {
  readonly body: AsyncIterable<Buffer>;
  destroy(): void;
}

/** Opens connections one way, and keeps them. Only connecting has a time limit of its own. */
export interface Client {
  request(raw: RawRequest): Promise<RawResponse>;
  close(): Promise<void>;
}

export interface ClientOptions {
  /** Milliseconds. */
  readonly connectTimeoutMs: number;
  /**
   * Milliseconds that a connection nobody uses is kept: less than servers do, or it would be used while they close it.
   */
  readonly keepAliveMs: number;
  /** Authorities to trust instead of Node's own, in PEM. */
  readonly ca?: string[];
}
