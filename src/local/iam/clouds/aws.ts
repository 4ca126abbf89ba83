import type { IamAccountAssociationsStatus } from '../../../api/schema/types/iam.gen.ts';
import type { AwsCredentials } from '../../../aws-signature.ts';
import { isObject, parseObject } from '../../../json.ts';
import type { OutgoingAnswer } from '../../core/outgoing.ts';
import { formType, post } from './post.ts';
import { notReady, ready, unexpected } from './verdict.ts';

/** Assumes the role without permissions that the customer made for this (protocols 10). */
export async function checkAws(sts: URL, account: string, token: string): Promise<IamAccountAssociationsStatus> {
  return assumed(await assumeRole(sts, account, 'canary', token));
}

/** Assumes the role that the account has for a component of the platform. */
export async function assumeRole(sts: URL, account: string, component: string, token: string): Promise<OutgoingAnswer> {
  const role = `chainguard-${component}`;
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: `arn:aws:iam::${account}:role/${role}`,
    RoleSessionName: role,
    WebIdentityToken: token,
    // The least that STS allows.
    DurationSeconds: '900',
  });
  return post(sts, formType, form.toString());
}

/** Reads what the answer says about the role. */
export function assumed(reply: OutgoingAnswer): IamAccountAssociationsStatus {
  const json = parseObject(reply.text);
  if (reply.status === 200) {
    const isAssumed =
      json === undefined
        ? /<AssumeRoleWithWebIdentityResult[\s>]/.test(reply.text)
        : isObject(json['AssumeRoleWithWebIdentityResponse']);
    return isAssumed ? ready : unexpected('AWS', reply);
  }
  const error = json === undefined ? fromXml(reply.text) : fromJson(json);
  return error === undefined ? unexpected('AWS', reply) : notReady(error.code, error.message);
}

/** Credentials in the answer, XML or JSON; undefined when there are none. */
export function credentialsIn({ status, text }: OutgoingAnswer): AwsCredentials | undefined {
  if (status !== 200) return undefined;
  const answer = parseObject(text)?.['AssumeRoleWithWebIdentityResponse'];
  const result = isObject(answer) ? answer['AssumeRoleWithWebIdentityResult'] : undefined;
  const found = isObject(result) ? result['Credentials'] : undefined;
  const value = (name: string): string | undefined => {
    const member = isObject(found) ? found[name] : new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
    // They go into headers.
    return typeof member === 'string' && /^[\x21-\x7e]+$/.test(member) ? member : undefined;
  };
  const [accessKeyId, secretAccessKey] = [value('AccessKeyId'), value('SecretAccessKey')];
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: value('SessionToken') };
}

interface AwsError {
  readonly code: string;
  readonly message: string;
}

/** `<ErrorResponse><Error><Type>…</Type><Code>AccessDenied</Code><Message>…</Message></Error>…` */
function fromXml(text: string): AwsError | undefined {
  const error = /<Error>([\s\S]*?)<\/Error>/.exec(text)?.[1];
  const code = /<Code>([^<]*)<\/Code>/.exec(error ?? '')?.[1];
  const message = /<Message>([^<]*)<\/Message>/.exec(error ?? '')?.[1];
  return code === undefined ? undefined : { code: unescapeXml(code), message: unescapeXml(message ?? '') };
}

function fromJson(json: Readonly<Record<string, unknown>>): AwsError | undefined {
  const error = json['Error'];
  if (!isObject(error) || typeof error['Code'] !== 'string') return undefined;
  return { code: error['Code'], message: typeof error['Message'] === 'string' ? error['Message'] : '' };
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function unescapeXml(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (whole, name: string) => entities[name] ?? whole);
}
