// Ends a sign-in: tells the program, the other device or the console that waits for it. Guarantees: tokens leave only to
// who asked for the sign-in; the browser itself never holds one.

import type { ServerResponse } from 'node:http';
import { grpcCodes } from '../../../api/status.ts';
import type { TokenClaims } from '../../../trust/claim-match.ts';
import { type PlatformUrls, StatusError } from '../../core/types.ts';
import type { BrowserSessions } from '../browser-sessions.ts';
import type { DeviceCodes } from '../device-codes.ts';
import type { HeadlessSessions } from '../headless-sessions.ts';
import type { Sts } from '../sts.ts';
import { PageError, privacyHeaders, sendFailure, sendPage, sendRedirect, toPageError } from './answers.ts';
import type { ConsoleLogin, Destination } from './destination.ts';
import { finishedPage } from './page.ts';

export interface OutcomeOptions {
  readonly urls: PlatformUrls;
  readonly sts: Sts;
  readonly headless: HeadlessSessions;
  readonly devices: DeviceCodes;
  /** Logins of the console. */
  readonly sessions: BrowserSessions;
}

/** Person who has signed in, and the token that says so where one is needed. */
export interface SignedIn {
  readonly upstream: TokenClaims;
  readonly provider?: string;
  readonly idToken: () => Promise<string>;
}

export function cancelled(): StatusError {
  return new StatusError(grpcCodes.PERMISSION_DENIED, 'the sign-in was cancelled');
}

/** Returns the function that answers the browser at the end of a sign-in. It throws PageError for what only a page can say. */
export function createOutcome({ urls, sts, headless, devices, sessions }: OutcomeOptions) {
  /** No token leaves: the browser gets a number that stands for one. */
  const settleHere = async (
    response: ServerResponse,
    { next, invite }: ConsoleLogin,
    outcome: SignedIn | StatusError,
  ): Promise<void> => {
    if (outcome instanceof StatusError) throw toPageError(outcome);
    const { upstream, provider } = outcome;
    const wanted = { audience: [urls.api], scopes: [], identity: undefined, register: true, refreshable: true };
    const { token = '', refreshToken, expiry = '' } = await sts.signIn({ upstream, provider, invite, ...wanted });
    response.appendHeader('set-cookie', sessions.begin({ token, refreshToken, expiresAt: Date.parse(expiry) }));
    response.writeHead(303, { location: next, ...privacyHeaders, 'content-length': '0' });
    response.end();
  };

  const settleElsewhere = async (
    response: ServerResponse,
    destination: Exclude<Destination, { kind: 'redirect' | 'console' }>,
    outcome: SignedIn | StatusError,
  ): Promise<void> => {
    if (outcome instanceof StatusError) {
      if (destination.kind === 'headless') headless.deny(destination.code);
      else devices.deny(destination.key);
      if (outcome.code !== grpcCodes.PERMISSION_DENIED || outcome.message !== cancelled().message) {
        throw toPageError(outcome);
      }
      return sendPage(response, 200, finishedPage(true), undefined);
    }
    const idToken = await outcome.idToken();
    if (destination.kind === 'headless') headless.approve(destination.code, idToken);
    else if (!devices.approve(destination.key, idToken)) {
      throw new PageError(400, 'This code is over', ['Start again on the other device.']);
    }
    sendPage(response, 200, finishedPage(false), undefined);
  };

  return async (response: ServerResponse, destination: Destination, outcome: SignedIn | StatusError): Promise<void> => {
    if (destination.kind === 'console') return settleHere(response, destination, outcome);
    if (destination.kind !== 'redirect') return settleElsewhere(response, destination, outcome);
    const { redirect, kind: _, ...wanted } = destination;
    try {
      if (outcome instanceof StatusError) throw outcome;
      const { upstream, provider } = outcome;
      const { token = '', refreshToken = '' } = await sts.signIn({ upstream, provider, ...wanted });
      sendRedirect(response, redirect, { token, refresh_token: refreshToken });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      sendFailure(response, redirect, error);
    }
  };
}
