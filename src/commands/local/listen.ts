import type { Kind } from '../../cli/inputs/kind.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0: any. */
  readonly port: number;
}

/** A name in a Host header, without a port. */
export const hostName: Kind<string> = {
  metavar: 'NAME',
  parse: (text) => {
    if (/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i.test(text)) return text.toLowerCase();
    throw new Error('must be a host name without a port, such as "console-api.enforce.dev"');
  },
};

export const audienceName: Kind<string> = {
  metavar: 'AUDIENCE',
  parse: (text) => {
    if (/^[\x21-\x2b\x2d-\x7e]{1,255}$/.test(text)) return text;
    throw new Error('must be one audience, such as "https://console-api.enforce.dev"');
  },
};

/** `HOST:PORT`, `[::1]:PORT`, `:PORT` or `PORT`; without a host it is loopback, never every address. */
export const listenAddress: Kind<ListenAddress> = {
  metavar: 'HOST:PORT',
  parse: (text) => {
    const [, v6, name, digits] = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]*)):)?(\d{1,5})$/.exec(text) ?? [];
    const port = Number(digits);
    if (digits === undefined || port > 65_535) throw new Error('must be HOST:PORT such as "127.0.0.1:8080"');
    return { host: v6 || name || '127.0.0.1', port };
  },
};
