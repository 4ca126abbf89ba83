import type { IamAccountAssociationsStatus } from '../../../api/schema/types/iam.gen.ts';
import type { OutgoingAnswer } from '../../core/outgoing.ts';

const maxMessageLength = 1000;

export const ready: IamAccountAssociationsStatus = { ready: 'Ready', reason: '', message: '' };

/** `reason` is the cloud's error code, or one of ours for what no cloud said (protocols Q20). */
export function notReady(reason: string, message: string): IamAccountAssociationsStatus {
  return { ready: 'NotReady', reason: plain(reason), message: plain(message) };
}

/** For a reply that has neither the expected success nor an error of the expected shape. */
export function unexpected(cloud: string, { status }: OutgoingAnswer): IamAccountAssociationsStatus {
  if (status >= 300 && status < 400) {
    return notReady('UnexpectedAnswer', `${cloud} answered with a redirect, which is not followed`);
  }
  return notReady('UnexpectedAnswer', `${cloud} answered with HTTP status ${status} and nothing that can be read`);
}

/** Text of a cloud is shown to people: one line without control characters, of a sensible length. */
function plain(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return line.length > maxMessageLength ? `${line.slice(0, maxMessageLength)}…` : line;
}
