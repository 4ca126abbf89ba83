import type { IamAccountAssociationsStatus } from '../../../api/schema/types/iam.gen.ts';
import { isObject, parseObject } from '../../../json.ts';
import { formType, post } from './post.ts';
import { notReady, ready, unexpected } from './verdict.ts';

/** Assumes the role without permissions that the customer made for this (protocols 10). */
export async function checkAws(sts: URL, account: string, token: string): Promise<IamAccountAssociationsStatus> {
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: `arn:aws:iam::${account}:role/chainguard-canary`,
    RoleSessionName: 'chainguard-canary',
    WebIdentityToken: token,
    // The least that STS allows.
    DurationSeconds: '900',
  });
  const reply = await post(sts, formType, form.toString());
  const json = parseObject(reply.text);
  if (reply.status === 200) {
    const assumed =
      json === undefined
        ? /<AssumeRoleWithWebIdentityResult[\s>]/.test(reply.text)
        : isObject(json['AssumeRoleWithWebIdentityResponse']);
    return assumed ? ready : unexpected('AWS', reply);
  }
  const error = json === undefined ? fromXml(reply.text) : fromJson(json);
  return error === undefined ? unexpected('AWS', reply) : notReady(error.code, error.message);
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
