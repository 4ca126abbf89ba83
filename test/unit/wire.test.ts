// The rules of semantics 5 to 7, one by one, with paths, queries and bodies written out as they travel.

import { describe, expect, it } from 'vitest';
import { schema } from '../../src/api/schema/messages.gen.ts';
import { operations } from '../../src/api/schema/operations.gen.ts';
import type { Operation, SchemaSet } from '../../src/api/schema/types.ts';
import { codeOfHttpStatus, grpcCodes, httpStatusOf } from '../../src/api/status.ts';
import { createRouteMatcher, createWire, WireError } from '../../src/api/wire.ts';

const org = '0123456789abcdef0123456789abcdef01234567';
const folder = `${org}/b74ce966caf448d1`;

const wire = createWire(schema);
const match = createRouteMatcher<Operation>(Object.values(operations));

/** What a server makes of a request line, body and content type. */
function receive(line: string, body?: string, contentType = 'application/json') {
  const [method = '', target = ''] = line.split(' ');
  const [path = '', query = ''] = target.split('?');
  const found = match(method, path, contentType);
  if (found.status !== 'found') return { status: found.status };
  return {
    id: found.operation.id,
    message: wire.decodeRequest(found, { query: new URLSearchParams(query), body, contentType }),
  };
}

function refusal(run: () => unknown): { code: number; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof WireError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('was not refused');
}

describe('routes', () => {
  it.each([
    ['GET /iam/v1/groups', 'iam.v1.Groups.List'],
    ['POST /iam/v1/groups', 'iam.v1.Groups.Create'],
    ['POST /iam/v1/groups/', 'iam.v1.Groups.Create'],
    [`DELETE /iam/v1/groups/${folder}`, 'iam.v1.Groups.Delete'],
    ['GET /iam/v1/groups:lookupGroup', 'iam.v1.Groups.LookupGroup'],
    [`POST /iam/v1/groups/${folder}:requestGroupAccess`, 'iam.v1.Groups.RequestGroupAccess'],
    [`POST /iam/v1/rolebindings/${folder}`, 'iam.v1.RoleBindings.Create'],
    [`POST /iam/v1/rolebindings/batch/${folder}`, 'iam.v1.RoleBindings.CreateBatch'],
    ['GET /iam/v1/identities/lookup', 'iam.v1.Identities.Lookup'],
    ['POST /iam/v1/identities', 'events.v1.Identities.Create'],
    [`POST /iam/v1/identities/${org}`, 'iam.v1.Identities.Create'],
    [`GET /registry/v1/entitlements/${org}`, 'registry.v1.Entitlements.ListEntitlements'],
    [`GET /registry/v1/entitlements/${org}/images`, 'registry.v1.Entitlements.ListEntitlementImages'],
    [`GET /registry/v1/entitlements/${org}:summary`, 'registry.v1.Entitlements.Summary'],
    [`POST /registry/v1/repos/${org}`, 'registry.v1.Registry.CreateRepo'],
    [`POST /registry/v1/repos/${org}/deployment`, 'registry.v1.Registry.CreateDeployment'],
    ['GET /sts/exchange', 'oidc.v1.SecurityTokenService.Exchange'],
    ['POST /sts/exchange', 'oidc.v1.SecurityTokenService.Exchange'],
    ['POST /chainguard.platform.iam.GroupInvites/CreateWithGroup', 'iam.v1.GroupInvites.CreateWithGroup'],
  ])('%s is %s', (line, id) => {
    const [method = '', path = ''] = line.split(' ');
    expect(match(method, path)).toMatchObject({ status: 'found', operation: { id } });
  });

  it('keeps raw slashes in a deep value and reads %2F as one', () => {
    expect(receive(`GET /registry/v1/repos/${folder}/digests/sha256:abc/sbom`)).toEqual({
      id: 'registry.v1.Registry.GetSbom',
      message: { repoId: folder, digest: 'sha256:abc' },
    });
    expect(receive(`DELETE /iam/v1/groups/${folder.replace('/', '%2F')}`)).toEqual({
      id: 'iam.v1.Groups.Delete',
      message: { id: folder },
    });
  });

  it('takes only one segment where the template says one', () => {
    expect(match('DELETE', `/auth/v1/delete/${org}`)).toMatchObject({ status: 'found', pathValues: { id: org } });
    expect(match('DELETE', `/auth/v1/delete/${folder}`)).toEqual({ status: 'not-found' });
  });

  it('tells an unknown path from a known one with another method', () => {
    expect(match('GET', '/iam/v1/nothing')).toEqual({ status: 'not-found' });
    expect(match('GET', '/iam/v1')).toEqual({ status: 'not-found' });
    expect(match('GET', '/iam/v1/groups/%zz')).toEqual({ status: 'not-found' });
    expect(match('GET', 'iam/v1/groups')).toEqual({ status: 'not-found' });
    expect(match('PATCH', `/iam/v1/groups/${org}`)).toEqual({ status: 'wrong-method' });
    expect(match('POST', '/auth/v1/ok')).toEqual({ status: 'wrong-method' });
  });

  it('gives a posted form to the GET route where no POST route is', () => {
    const form = 'application/x-www-form-urlencoded; charset=utf-8';
    expect(match('POST', '/iam/v1/identities/lookup', form)).toMatchObject({
      operation: { id: 'iam.v1.Identities.Create' },
    });
    expect(receive('POST /registry/v1/charts:find?name=redis', 'catalog=1', form)).toEqual({
      id: 'registry.v1.Charts.FindChart',
      message: { name: 'redis', catalog: 'CHART_CATALOG_COMMUNITY' },
    });
    expect(match('POST', '/registry/v1/charts:find', 'application/json')).toEqual({ status: 'wrong-method' });
  });

  it('keeps the literal in front of a value that a template names with it', () => {
    const operation: Operation = {
      ...operations['iam.v1.Groups.Delete'],
      bindings: [{ method: 'DELETE', path: '/x/{id=harden/**}', body: null }],
    };
    expect(createRouteMatcher([operation])('DELETE', '/x/harden/a/b')).toMatchObject({
      pathValues: { id: 'harden/a/b' },
    });
    expect(createRouteMatcher([operation])('DELETE', '/x/soften/a')).toEqual({ status: 'not-found' });
    expect(wire.encodeRequest(operation, { id: 'harden/a/b' }).path).toBe('/x/harden/a/b');
    expect(() => wire.encodeRequest(operation, { id: 'soften/a' })).toThrow('"id" must start with "harden/"');
  });
});

describe('requests as a client writes them', () => {
  it('puts the named field alone into the body', () => {
    expect(wire.encodeRequest(operations['iam.v1.Groups.Create'], { parent: org, group: { name: 'backend' } })).toEqual(
      { method: 'POST', path: `/iam/v1/groups/${org}`, query: '', body: '{"name":"backend"}' },
    );
  });

  it('puts the rest of the fields into the query', () => {
    expect(
      wire.encodeRequest(operations['registry.v1.Registry.CreateRepo'], {
        parentId: org,
        repo: { name: 'nginx' },
        preventExisting: true,
      }),
    ).toEqual({
      method: 'POST',
      path: `/registry/v1/repos/${org}`,
      query: 'prevent_existing=true',
      body: '{"name":"nginx"}',
    });
  });

  it('puts everything but the path into the body when the body is the message', () => {
    expect(wire.encodeRequest(operations['iam.v1.Groups.Update'], { id: folder, name: 'x', description: '' })).toEqual({
      method: 'PUT',
      path: `/iam/v1/groups/${folder}`,
      query: '',
      body: '{"name":"x","description":""}',
    });
  });

  it('sends a bare list', () => {
    const request = {
      parent: org,
      roleBindings: [{ identity: 'i', role: 'r' }],
    };
    expect(wire.encodeRequest(operations['iam.v1.RoleBindings.CreateBatch'], request)).toMatchObject({
      path: `/iam/v1/rolebindings/batch/${org}`,
      body: '[{"identity":"i","role":"r"}]',
    });
  });

  it('spells query names as the proto does, repeats keys and uses the first binding', () => {
    expect(
      wire.encodeRequest(operations['oidc.v1.SecurityTokenService.Exchange'], {
        aud: ['cgr.dev', 'https://x'],
        identityProvider: folder,
        cap: ['groups.list'],
      }),
    ).toEqual({
      method: 'POST',
      path: '/sts/exchange',
      query: `aud=cgr.dev&aud=https%3A%2F%2Fx&cap=groups.list&identity_provider=${folder.replace('/', '%2F')}`,
      body: undefined,
    });
    expect(
      wire.encodeRequest(operations['iam.v1.Roles.List'], { parent: '/', uidp: { inRoot: true, ids: ['a', 'b'] } })
        .query,
    ).toBe('parent=%2F&uidp.in_root=true&uidp.ids=a&uidp.ids=b');
  });

  it('encodes what a path cannot hold and leaves a digest readable', () => {
    expect(wire.encodeRequest(operations['iam.v1.Groups.Delete'], { id: 'a b/ü?#%' }).path).toBe(
      '/iam/v1/groups/a%20b/%C3%BC%3F%23%25',
    );
    expect(
      wire.encodeRequest(operations['registry.v1.Registry.GetSbom'], { repoId: folder, digest: 'sha256:abc' }).path,
    ).toBe(`/registry/v1/repos/${folder}/digests/sha256:abc/sbom`);
  });

  it.each(['.', '..', 'a/../b', './a', 'a/.'])('refuses %j in a path', (id) => {
    expect(refusal(() => wire.encodeRequest(operations['iam.v1.Groups.Delete'], { id }))).toEqual({
      code: 3,
      message: '"id" must not contain "." or ".." as a segment',
    });
  });

  it('refuses in a single segment what would reach another route', () => {
    const remove = operations['auth.v1.Auth.Delete'];
    expect(refusal(() => wire.encodeRequest(remove, { id: folder })).message).toBe('"id" must not contain "/"');
    expect(refusal(() => wire.encodeRequest(remove, {})).message).toBe('"id" must not be empty');
  });

  it('keeps an empty deep value apart from shorter routes', () => {
    expect(wire.encodeRequest(operations['iam.v1.Groups.Create'], { group: { name: 'o' } }).path).toBe(
      '/iam/v1/groups/',
    );
    expect(receive('POST /iam/v1/identities/', '{"name":"x"}')).toMatchObject({ id: 'iam.v1.Identities.Create' });
  });

  it('says which field a query cannot carry', () => {
    const request = { repo: 'r', references: [{ digest: 'd' }] };
    expect(
      refusal(() => wire.encodeRequest(operations['registry.v1.Vulnerabilities.ListVulnCountReports'], request)),
    ).toEqual({
      code: grpcCodes.UNIMPLEMENTED,
      message: '"references" holds messages, which a query cannot carry',
    });
  });

  it('says when a message is not in its tables', () => {
    expect(() => createWire({ messages: {}, enums: {} }).encodeRequest(operations['iam.v1.Groups.List'], {})).toThrow(
      'chainguard.platform.iam.GroupFilter',
    );
  });
});

describe('requests as a server reads them', () => {
  it.each([[`uidp.children_of=${org}`], [`uidp.childrenOf=${org}`]])('takes the query name %s', (query) => {
    expect(receive(`GET /iam/v1/groups?${query}`)).toEqual({
      id: 'iam.v1.Groups.List',
      message: { uidp: { childrenOf: org } },
    });
  });

  it('ignores unknown query names, also below a message', () => {
    expect(receive('GET /iam/v1/groups?nope=1&uidp.nope=2&id=a&__proto__.x=1&constructor=1')).toEqual({
      id: 'iam.v1.Groups.List',
      message: { id: 'a' },
    });
  });

  it.each([
    ['GET /iam/v1/groups?id=a&id=b', '"id" takes one value'],
    ['GET /iam/v1/groups?uidp=x', '"uidp" holds messages, which a query cannot carry'],
    ['GET /iam/v1/groups?id.x=1', '"id.x" is not the name of a field'],
    ['GET /iam/v1/groups?uidp.in_root=yes', '"uidp.in_root" must be true or false, not "yes"'],
    [
      'GET /registry/v1/charts:find?catalog=NONE',
      '"catalog" must be a value of chainguard.platform.registry.ChartCatalog, not "NONE"',
    ],
    [
      'GET /registry/v1/charts:find?catalog=77',
      '"catalog" must be a value of chainguard.platform.registry.ChartCatalog, not "77"',
    ],
    ['GET /registry/v1/eoltags?page_size=1e3', '"page_size" must be a whole number of 64 bits, not "1e3"'],
    [
      'GET /registry/v1/tags?updated_since=yesterday',
      '"updated_since" must be a time such as 2026-03-27T13:55:00Z, not "yesterday"',
    ],
    ['GET /registry/v1/vuln_reports/counts?references=x', '"references" holds messages, which a query cannot carry'],
  ])('%s is refused', (line, message) => {
    expect(refusal(() => receive(line))).toEqual({ code: 3, message });
  });

  it.each([
    ['true', true],
    ['1', true],
    ['t', true],
    ['T', true],
    ['TRUE', true],
  ])('reads the bool %s as Go does', (text, value) => {
    expect(receive(`GET /iam/v1/groups?uidp.in_root=${text}`)).toMatchObject({ message: { uidp: { inRoot: value } } });
  });

  it('reads enums by name or number, times in any zone and 64-bit numbers as text', () => {
    expect(receive('GET /registry/v1/charts:find?catalog=CHART_CATALOG_IAMGUARDED')).toMatchObject({
      message: { catalog: 'CHART_CATALOG_IAMGUARDED' },
    });
    expect(receive('GET /registry/v1/charts:find?catalog=2')).toMatchObject({
      message: { catalog: 'CHART_CATALOG_IAMGUARDED' },
    });
    expect(receive('GET /registry/v1/tags?updated_since=2026-03-27T14:55:00.5%2B01:00')).toMatchObject({
      message: { updatedSince: '2026-03-27T13:55:00.500Z' },
    });
    expect(receive('GET /registry/v1/eoltags?page_size=50')).toMatchObject({ message: { pageSize: '50' } });
  });

  it('never lets the query replace what the path says, in either spelling', () => {
    expect(receive(`POST /iam/v1/identities/${org}?parentId=other&parent_id=other`, '{"name":"x"}')).toEqual({
      id: 'iam.v1.Identities.Create',
      message: { parentId: org, identity: { name: 'x' } },
    });
    expect(receive(`POST /iam/v1/identities/${org}?identity.name=y`, '{"name":"x"}')).toEqual({
      id: 'iam.v1.Identities.Create',
      message: { parentId: org, identity: { name: 'x' } },
    });
  });

  it('lets the path overwrite a whole body and ignores the query there', () => {
    expect(receive(`PUT /iam/v1/groups/${folder}?description=q`, '{"id":"other","name":"n"}')).toEqual({
      id: 'iam.v1.Groups.Update',
      message: { id: folder, name: 'n' },
    });
  });

  it('takes both spellings of a JSON name and drops unknown ones', () => {
    const message = { parentId: org, identity: { name: 'x', claimMatch: { issuerPattern: '.*' } } };
    for (const body of [
      '{"name":"x","claimMatch":{"issuerPattern":".*"},"nope":[1]}',
      '{"name":"x","claim_match":{"issuer_pattern":".*","nope":{}},"__proto__":{"description":"d"}}',
    ]) {
      expect(receive(`POST /iam/v1/identities/${org}`, body)).toEqual({ id: 'iam.v1.Identities.Create', message });
    }
  });

  it('reads a bare list', () => {
    expect(receive(`POST /iam/v1/rolebindings/batch/${org}`, '[{"identity":"i","role":"r"}]')).toEqual({
      id: 'iam.v1.RoleBindings.CreateBatch',
      message: { parent: org, roleBindings: [{ identity: 'i', role: 'r' }] },
    });
  });

  it('reads enums of a body by name and by number and keeps numbers it does not know', () => {
    const principal = (text: string) => receive(`POST /iam/v1/identities/${org}`, `{"servicePrincipal":${text}}`);
    const message = (servicePrincipal: unknown) => ({ message: { identity: { servicePrincipal } } });
    expect(principal('"CATALOG_SYNCER"')).toMatchObject(message('CATALOG_SYNCER'));
    expect(principal('1')).toMatchObject(message('COSIGNED'));
    expect(principal('9999')).toMatchObject(message(9999));
    expect(principal('"UNKNOWN"')).toMatchObject(message('UNKNOWN'));
    expect(refusal(() => principal('"NOBODY"')).code).toBe(3);
  });

  it('brings values into their one form and leaves out what is as good as unset', () => {
    expect(
      receive(`POST /iam/v1/group_invites/${folder}`, '{"ttl":"604800.000s","role":"","email":null,"singleUse":false}'),
    ).toEqual({ id: 'iam.v1.GroupInvites.Create', message: { group: folder, ttl: '604800s' } });
  });

  it('takes a request without a body', () => {
    expect(receive(`POST /iam/v1/groups/${org}`)).toEqual({ id: 'iam.v1.Groups.Create', message: { parent: org } });
    expect(receive(`PUT /iam/v1/groups/${org}`, ' ')).toEqual({ id: 'iam.v1.Groups.Update', message: { id: org } });
  });

  it('reads a form as a query where there is no body rule', () => {
    const form = 'application/x-www-form-urlencoded';
    expect(receive('POST /sts/exchange?aud=b', 'aud=a&identity=i', form)).toEqual({
      id: 'oidc.v1.SecurityTokenService.Exchange',
      message: { aud: ['a', 'b'], identity: 'i' },
    });
    expect(receive('POST /sts/exchange?aud=b', '{"identity":"i"}')).toEqual({
      id: 'oidc.v1.SecurityTokenService.Exchange',
      message: { aud: ['b'] },
    });
  });

  it.each([
    ['{', 'The request body is not valid JSON'],
    ['<html>', 'The request body is not valid JSON'],
    ['[]', '"identity" must be an object, not []'],
    ['"x"', '"identity" must be an object, not "x"'],
    ['{"name":1}', '"identity.name" must be text, not 1'],
    ['{"name":"\\ud800"}', '"identity.name" must be text, not "\\ud800"'],
    ['{"claimMatch":[]}', '"identity.claim_match" must be an object, not []'],
    ['{"claimMatch":{"claims":{"a":1}}}', '"identity.claim_match.claims[a]" must be text, not 1'],
    ['{"claimMatch":{},"claim_match":{}}', '"identity.claim_match" is given twice, in both spellings'],
    ['{"claimMatch":{},"static":{}}', '"identity.static" excludes "claim_match", only one of them can be set'],
    ['{"static":{"audiences":"x"}}', '"identity.static.audiences" must be a list, not "x"'],
    ['{"static":{"audiences":[null]}}', '"identity.static.audiences[0]" must be text, not null'],
    [
      '{"static":{"expiration":"2026-02-30T00:00:00Z"}}',
      '"identity.static.expiration" must be a time such as 2026-03-27T13:55:00Z, not "2026-02-30T00:00:00Z"',
    ],
    [
      '{"servicePrincipal":1.5}',
      '"identity.service_principal" must be a value of chainguard.platform.iam.ServicePrincipal, not 1.5',
    ],
  ])('refuses the body %s', (body, message) => {
    expect(refusal(() => receive(`POST /iam/v1/identities/${org}`, body))).toEqual({ code: 3, message });
  });

  it('keeps map keys of any name as plain data', () => {
    const result = receive(`POST /iam/v1/identities/${org}`, '{"claimMatch":{"claims":{"__proto__":"x","a.b":"y"}}}');
    const claims = JSON.stringify(result.message);
    expect(claims).toContain('{"__proto__":"x","a.b":"y"}');
    expect(Object.getPrototypeOf(result.message)).toBe(Object.prototype);
  });

  it('shortens what it quotes', () => {
    const { message } = refusal(() => receive(`POST /iam/v1/groups/${org}`, `{"name":[${'1,'.repeat(500)}1]}`));
    expect(message.length).toBeLessThan(120);
  });
});

describe('rules that only later packages use', () => {
  // iam.v2 UpdateIdentity and libraries.v1 Entitlements.Create, cut down from the API description.
  const later: SchemaSet = {
    messages: {
      Update: {
        fields: [
          { name: 'identity', json: 'identity', kind: 'message', type: 'Identity' },
          { name: 'update_mask', json: 'updateMask', kind: 'message', type: 'google.protobuf.FieldMask' },
        ],
      },
      Identity: {
        fields: [
          { name: 'uid', json: 'uid', kind: 'scalar', type: 'string' },
          { name: 'description', json: 'description', kind: 'scalar', type: 'string' },
          { name: 'claim_match', json: 'claimMatch', kind: 'message', type: 'ClaimMatch', oneof: 'relationship' },
        ],
      },
      ClaimMatch: {
        fields: [
          { name: 'issuer_pattern', json: 'issuerPattern', kind: 'scalar', type: 'string' },
          {
            name: 'claims',
            json: 'claims',
            kind: 'map',
            type: 'string',
            map: { key: 'string', valueKind: 'scalar' },
          },
        ],
      },
      Create: {
        fields: [
          { name: 'parent_id', json: 'parentId', kind: 'scalar', type: 'string' },
          { name: 'ecosystem', json: 'ecosystem', kind: 'enum', type: 'Ecosystem' },
          { name: 'policy', json: 'policy', kind: 'enum', type: 'Ecosystem' },
          { name: 'wait', json: 'wait', kind: 'message', type: 'google.protobuf.Duration' },
          { name: 'labels', json: 'labels', kind: 'map', type: 'int32', map: { key: 'int64', valueKind: 'scalar' } },
          { name: 'since', json: 'since', kind: 'message', type: 'Date' },
        ],
      },
      Date: {
        fields: [
          { name: 'year', json: 'year', kind: 'scalar', type: 'int32' },
          { name: 'month', json: 'month', kind: 'scalar', type: 'int32' },
        ],
      },
    },
    enums: { Ecosystem: { UNKNOWN: 0, JAVA: 1, PYTHON: 2 } },
  };
  const laterWire = createWire(later);
  const base = operations['iam.v1.Groups.Create'];
  const update: Operation = {
    ...base,
    request: 'Update',
    bindings: [{ method: 'PATCH', path: '/iam/v2/identities/{identity.uid=**}', body: 'identity' }],
  };
  const create: Operation = {
    ...base,
    request: 'Create',
    bindings: [{ method: 'POST', path: '/libraries/v1/entitlements/{parent_id=**}', body: 'ecosystem' }],
  };
  const read = (operation: Operation, query: string, body: string) => {
    const [binding] = operation.bindings;
    if (!binding) throw new Error('no binding');
    const name = operation === update ? 'identity.uid' : 'parent_id';
    const route = { operation, binding, pathValues: { [name]: 'p' } };
    return laterWire.decodeRequest(route, { query: new URLSearchParams(query), body });
  };

  it('derives the mask of a PATCH from the keys of the body', () => {
    expect(read(update, '', '{"description":"","claimMatch":{"issuer_pattern":"x","claims":{"a":"b"}}}')).toEqual({
      identity: { uid: 'p', claimMatch: { issuerPattern: 'x', claims: { a: 'b' } } },
      updateMask: 'description,claimMatch.issuerPattern,claimMatch.claims',
    });
  });

  it('prefers the mask in the query, whose paths are proto names', () => {
    expect(read(update, 'update_mask=claim_match.issuer_pattern,description', '{"description":"d"}')).toMatchObject({
      updateMask: 'claimMatch.issuerPattern,description',
    });
  });

  it('refuses an unknown key in a PATCH even when the query has a mask', () => {
    expect(refusal(() => read(update, 'update_mask=description', '{"descripton":"d"}'))).toEqual({
      code: 3,
      message: '"descripton" is not a field of Identity',
    });
  });

  it('leaves what the path says out of the body of a PATCH', () => {
    const request = { identity: { uid: 'p/q', description: 'd' }, updateMask: 'claimMatch.issuerPattern' };
    expect(laterWire.encodeRequest(update, request)).toEqual({
      method: 'PATCH',
      path: '/iam/v2/identities/p/q',
      query: 'update_mask=claim_match.issuer_pattern',
      body: '{"description":"d"}',
    });
  });

  it('writes a body that is an enum as a bare number and reads nothing else', () => {
    expect(laterWire.encodeRequest(create, { parentId: 'p', ecosystem: 'PYTHON', policy: 'JAVA' })).toEqual({
      method: 'POST',
      path: '/libraries/v1/entitlements/p',
      query: 'policy=JAVA',
      body: '2',
    });
    expect(read(create, 'policy=1', '2')).toEqual({ parentId: 'p', ecosystem: 'PYTHON', policy: 'JAVA' });
    expect(refusal(() => read(create, '', '"PYTHON"'))).toEqual({
      code: 3,
      message: '"ecosystem" must be a bare number, not "PYTHON"',
    });
  });

  it.each([
    ['30m', '1800s'],
    ['1h15m30.5s', '4530.500s'],
    ['-2s', '-2s'],
    ['1500ms', '1.500s'],
    ['1us', '0.000001s'],
    ['0', '0s'],
    ['.5h', '1800s'],
  ])('reads the duration %s of a query as Go does', (text, wait) => {
    expect(read(create, `wait=${text}`, '1')).toMatchObject({ wait });
  });

  it.each(['30', '1d', 's', '', '-', '1h-1m', '9999999h', '1'.repeat(5000)])('refuses the duration %j', (text) => {
    expect(refusal(() => read(create, `wait=${text}`, '1')).code).toBe(3);
  });

  it('reads maps and dates of a query', () => {
    expect(read(create, 'labels[5]=1&labels[6]=2&since.year=2026&since.month=1', '1')).toMatchObject({
      labels: { '5': 1, '6': 2 },
      since: { year: 2026, month: 1 },
    });
    expect(refusal(() => read(create, 'labels[x]=1', '1')).message).toContain('labels[x]');
    expect(refusal(() => read(create, 'labels=1', '1')).message).toContain('labels[key]=value');
    expect(refusal(() => read(create, 'labels[5]=1&labels[5]=2', '1')).message).toContain('labels[key]=value');
  });
});

describe('answers as a client reads them', () => {
  const identities = 'chainguard.platform.iam.IdentityList';

  it('keeps unknown fields and unknown enum values', () => {
    const text = '{"items":[{"id":"a","servicePrincipal":"FROM_THE_FUTURE","newField":{"x":1}}],"more":true}';
    expect(wire.decodeResponse(identities, text)).toEqual(JSON.parse(text));
    expect(wire.encodeMessage(identities, wire.decodeResponse(identities, text), 'compact')).toEqual(JSON.parse(text));
  });

  it.each([
    ['{"id":"a","name":"","createdAt":"2026-03-27T13:55:00Z","lastSeen":null,"claimMatch":{"issuer":"b","claims":{}}}'],
    ['{"lastSeen":null,"claimMatch":{"claims":{},"issuer":"b"},"createdAt":"2026-03-27T13:55:00Z","name":"","id":"a"}'],
    ['{"id":"a","name":"","created_at":"2026-03-27T13:55:00.000Z","claim_match":{"issuer":"b","claims":{}}}'],
    [
      '{"id":"a","name":"","createdAt":"2026-03-27T13:55:00.000000Z","lastSeen":null,"claimMatch":{"issuer":"b","claims":{}}}',
    ],
  ])('reads one message from each way to write it: %s', (text) => {
    const { items } = wire.decodeResponse(identities, `{"items":[${text}]}`);
    // As text: in the order of the schema, whatever the order that it came in.
    expect(JSON.stringify(items)).toBe(
      '[{"id":"a","name":"","createdAt":"2026-03-27T13:55:00Z","claimMatch":{"issuer":"b","claims":{}}}]',
    );
    expect(JSON.stringify([wire.decodeItem(identities, JSON.parse(text))])).toBe(JSON.stringify(items));
  });

  it('brings names, enums and numbers into one form', () => {
    expect(
      wire.decodeResponse(
        identities,
        '{"items":[{"created_at":"2026-03-27T13:55:00.000Z","service_principal":1,"last_seen":null}]}',
      ),
    ).toEqual({ items: [{ createdAt: '2026-03-27T13:55:00Z', servicePrincipal: 'COSIGNED' }] });
    expect(wire.decodeResponse('chainguard.platform.advisory.VulnerabilityMetadataList', '{"totalCount":14}')).toEqual({
      totalCount: '14',
    });
  });

  it('takes an empty answer for one without fields', () => {
    expect(wire.decodeResponse('google.protobuf.Empty', '')).toEqual({});
    expect(wire.decodeResponse('google.protobuf.Empty', '{}')).toEqual({});
  });

  it.each(['<html>busy</html>', '{"items":', '[]', 'null', '{"items":{}}', '{"items":[1]}', '{"items":[{"id":{}}]}'])(
    'refuses the answer %s',
    (text) => {
      expect(refusal(() => wire.decodeResponse(identities, text)).code).toBe(grpcCodes.INTERNAL);
    },
  );
});

describe('answers as a server writes them', () => {
  it('writes fields in declaration order, whatever order it is given', () => {
    expect(
      wire.encodeResponse('chainguard.platform.iam.Group', { status: 'ORG_STATUS_READY', name: 'n', id: 'i' }),
    ).toBe(
      '{"id":"i","name":"n","description":"","resourceLimits":{},"verified":false,"kind":"ORG_KIND_UNSPECIFIED","status":"ORG_STATUS_READY"}',
    );
  });

  it('writes an empty list as a list and drops what the schema does not know', () => {
    expect(wire.encodeResponse('chainguard.platform.iam.GroupList', { secret: 1 })).toBe('{"items":[]}');
  });

  it('writes 64-bit numbers as text and leaves unset optional fields out', () => {
    const name = 'chainguard.platform.advisory.VulnerabilityMetadataList';
    expect(wire.encodeMessage(name, { totalCount: 14n }, 'full')).toMatchObject({ totalCount: '14' });
    expect(wire.encodeMessage(name, { totalCount: 0 }, 'compact')).toEqual({ totalCount: '0' });
    expect(wire.encodeMessage(name, {}, 'full')).not.toHaveProperty('totalCount');
  });

  it('writes a message without fields as an empty object', () => {
    expect(wire.encodeResponse('google.protobuf.Empty', {})).toBe('{}');
  });
});

describe('messages that a person wrote', () => {
  const name = 'chainguard.platform.iam.Identity';

  it('can refuse names it does not know', () => {
    expect(wire.decodeMessage(name, { name: 'x', claim_match: { subject: 's' } }, 'refuse')).toEqual({
      name: 'x',
      claimMatch: { subject: 's' },
    });
    expect(wire.decodeMessage(name, { name: 'x', nmae: 'y' })).toEqual({ name: 'x' });
    expect(() => wire.decodeMessage(name, { claimMatch: { subjct: 's' } }, 'refuse')).toThrow(
      '"claim_match.subjct" is not a known field',
    );
  });
});

describe('status codes (semantics 7)', () => {
  it.each([
    ['OK', 0, 200],
    ['CANCELLED', 1, 499],
    ['UNKNOWN', 2, 500],
    ['INVALID_ARGUMENT', 3, 400],
    ['DEADLINE_EXCEEDED', 4, 504],
    ['NOT_FOUND', 5, 404],
    ['ALREADY_EXISTS', 6, 409],
    ['PERMISSION_DENIED', 7, 403],
    ['RESOURCE_EXHAUSTED', 8, 429],
    ['FAILED_PRECONDITION', 9, 400],
    ['ABORTED', 10, 409],
    ['OUT_OF_RANGE', 11, 400],
    ['UNIMPLEMENTED', 12, 501],
    ['INTERNAL', 13, 500],
    ['UNAVAILABLE', 14, 503],
    ['DATA_LOSS', 15, 500],
    ['UNAUTHENTICATED', 16, 401],
  ] as const)('%s is %d and HTTP %d', (name, code, status) => {
    expect(grpcCodes[name]).toBe(code);
    expect(httpStatusOf(code)).toBe(status);
    expect(httpStatusOf(codeOfHttpStatus(status))).toBe(status);
  });

  it('has an answer for statuses and codes outside the table', () => {
    expect(codeOfHttpStatus(204)).toBe(grpcCodes.OK);
    expect(codeOfHttpStatus(502)).toBe(grpcCodes.UNAVAILABLE);
    expect(codeOfHttpStatus(418)).toBe(grpcCodes.UNKNOWN);
    expect(httpStatusOf(99)).toBe(500);
  });
});

describe('values without end', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

  it.each([100, 200_000])('%i levels in an answer', (depth) => {
    const answer = `{"uid":"x","later":${nested(depth)}}`;
    const read = () => wire.decodeResponse('chainguard.platform.iam.Group', answer);
    if (depth === 100) expect(read()).toMatchObject({ later: expect.any(Array) });
    else expect(read).toThrow('"later" must not be a value of more than 100 levels');
  });

  it('in place of a message or of text', () => {
    const read = (text: string) => () => wire.decodeResponse('chainguard.platform.iam.Group', text);
    expect(read(nested(200_000))).toThrow(WireError);
    expect(read(`{"name":${nested(200_000)}}`)).toThrow(WireError);
  });
});
