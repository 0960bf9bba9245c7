/** How proving who one is can fail, and changing who may: part of the table in errors.ts. */
import { after, auth, bad, forbidden, NO_RETRY, server, type RowsOf } from './error-row.ts'

export type AccessError =
  | { readonly reason: 'missing_api_key' }
  | { readonly reason: 'invalid_api_key' }
  | { readonly reason: 'too_many_wrong_keys' }
  | { readonly reason: 'admin_unauthorized' }
  | { readonly reason: 'admin_forbidden' }
  | { readonly reason: 'key_exists' }
  | { readonly reason: 'key_not_found' }
  | { readonly reason: 'key_in_config' }
  | { readonly reason: 'too_many_keys' }
  | { readonly reason: 'issuer_unavailable' }

export const ACCESS_ROWS: RowsOf<AccessError> = {
  missing_api_key: () => auth('No API key was sent. Send the header Authorization: Bearer YOUR_KEY.'),
  invalid_api_key: () => auth('The API key is not valid.'),
  too_many_wrong_keys: () => ({
    ...auth('Too many wrong keys came from this address. Wait a minute, and check the key.'),
    status: 429,
    headers: { ...after(60), ...NO_RETRY },
  }),
  admin_unauthorized: () => auth('The admin token is missing or not valid.'),
  key_exists: () => ({
    ...bad('There is a key of this id, or there was one.', 'id'),
    status: 409,
    headers: NO_RETRY,
  }),
  key_in_config: () => ({
    ...bad('This key stands in the config: replace it there. It can be revoked here.', 'id'),
    status: 409,
    headers: NO_RETRY,
  }),
  key_not_found: () => ({ ...bad('The tenant has no key of this id.', 'id'), status: 404 }),
  too_many_keys: () => ({
    ...bad('The tenant has as many keys as the mesh manages. Put keys into the config, or expire some.'),
    status: 409,
    headers: NO_RETRY,
  }),
  admin_forbidden: () => forbidden('Your role does not allow this.'),
  issuer_unavailable: () => ({
    ...server(503, 'The issuer of this token could not be asked for its keys. Try again shortly.'),
    headers: after(5),
  }),
}
