// Discovery, which connectors ask for first (RFC 7643, 5 to 7). Guarantees: says what is done here and nothing more.

import { maxResults } from './listing.ts';
import type { ScimObject } from './matching.ts';
import {
  type Attribute,
  enterpriseSchema,
  groupSchema,
  groupType,
  type ResourceSchema,
  type ResourceType,
  userSchema,
  userType,
} from './schema.ts';

export const resourceTypes: readonly ResourceType[] = [userType, groupType];
export const schemas: readonly ResourceSchema[] = [userSchema, enterpriseSchema, groupSchema];

/** `base` is the URL of the provider's endpoint. */
export function serviceProviderConfig(base: string): ScimObject {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: maxResults },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'The SCIM token of the identity provider, sent as a bearer token',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

export function toResourceType(type: ResourceType, base: string): ScimObject {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: type.name,
    name: type.name,
    endpoint: type.endpoint,
    description: type.schema.description,
    schema: type.schema.id,
    schemaExtensions: type.extensions.map(({ id }) => ({ schema: id, required: false })),
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${type.name}` },
  };
}

export function toSchema(schema: ResourceSchema, base: string): ScimObject {
  const { id, name, description, attributes } = schema;
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id,
    name,
    description,
    attributes: attributes.map(toAttribute),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
  };
}

function toAttribute(attribute: Attribute): ScimObject {
  const { subAttributes, ...rest } = attribute;
  return {
    ...rest,
    returned: 'default',
    ...(subAttributes.length === 0 ? {} : { subAttributes: subAttributes.map(toAttribute) }),
  };
}
