/** What operators can call, for the OpenAPI document. */
import { USAGE_QUERY } from './usage-query.ts'
import type { Operation } from './operations.ts'

const CONFIG_CHANGE = {
  needs: 'admin token',
  headers: { 'if-match': 'The version that is replaced, in place of `expected`.' },
  errors: {
    '400': 'The body is not understood.',
    '404': 'config_version_not_found',
    '409':
      'config_not_stored, config_conflict, widening_not_accepted, orphans_not_accepted or config_version_not_usable',
    '422': 'invalid_config or config_cases_failed',
  },
} as const
const ADMIN_CONFIG = '/admin/v1/config'
const METRICS = {
  summary: 'Counts of all regions, as Prometheus text.',
  needs: 'admin token',
  answers: ['text/plain'],
} as const
const TENANT_KEYS = '/admin/v1/tenants/{tenant}/keys'
const TENANT_AUDIT = '/admin/v1/tenants/{tenant}/audit'

export const ADMIN_OPERATIONS: readonly Operation[] = [
  { method: 'get', path: ADMIN_CONFIG, summary: 'The config in force.', needs: 'admin token' },
  {
    method: 'put',
    path: ADMIN_CONFIG,
    summary: 'Replaces the stored config; returns when that holds everywhere.',
    body: 'PutConfig',
    ...CONFIG_CHANGE,
  },
  {
    method: 'post',
    path: `${ADMIN_CONFIG}/validate`,
    summary: 'What is wrong with a config, and what it would change.',
    needs: 'admin token',
    body: 'ValidateConfig',
    errors: { '400': 'The body is not understood.', '422': 'invalid_config or config_cases_failed' },
  },
  {
    method: 'post',
    path: `${ADMIN_CONFIG}/rollback`,
    summary: 'Puts an old version in force again.',
    body: 'RollbackConfig',
    ...CONFIG_CHANGE,
  },
  {
    method: 'post',
    path: `${ADMIN_CONFIG}/diff`,
    summary: 'Compares two configs, in words.',
    needs: 'admin token',
    body: 'DiffConfig',
    errors: {
      '400': 'The body is not understood.',
      '404': 'config_version_not_found',
      '409': 'config_not_stored',
      '422': 'invalid_config',
    },
  },
  {
    method: 'get',
    path: `${ADMIN_CONFIG}/history`,
    summary: 'What was put in force, when and by whom.',
    needs: 'admin token',
    query: { before: 'Number of an entry: older ones.' },
    errors: { '400': 'invalid_parameter', '409': 'config_not_stored' },
  },
  {
    method: 'get',
    path: `${ADMIN_CONFIG}/versions/{version}`,
    summary: 'The text of a version.',
    needs: 'admin token',
    errors: { '404': 'config_version_not_found', '409': 'config_not_stored' },
  },
  {
    method: 'get',
    path: '/admin/v1/pools',
    summary: 'What is known of the pools, from here.',
    needs: 'admin token',
  },
  {
    method: 'post',
    path: '/admin/v1/pools/{pool}/drain',
    summary: 'Takes a pool out.',
    needs: 'admin token',
    errors: { '404': 'not_found' },
  },
  {
    method: 'delete',
    path: '/admin/v1/pools/{pool}/drain',
    summary: 'Puts it back.',
    needs: 'admin token',
    errors: { '404': 'not_found' },
  },
  {
    method: 'post',
    path: '/admin/v1/route/explain',
    summary: 'Which pool a request would go to, and why.',
    needs: 'admin token',
    body: 'ChatRequest',
    query: {
      tenant: 'Whose request it is.',
      key: 'Id of its key.',
      colo: 'Data centre it arrives at.',
      country: 'Country of the client.',
      continent: 'Continent of the client.',
      host: 'Host it is sent to.',
      surface: 'chat or completions.',
    },
    errors: { '400': 'What the request would be refused with.' },
  },
  {
    method: 'post',
    path: '/admin/v1/residency/explain',
    summary: 'Where a request may be processed and stored, and why.',
    needs: 'admin token',
    body: 'ResidencyQuestion',
    errors: { '400': 'invalid_parameter' },
  },
  {
    method: 'post',
    path: '/admin/v1/tenants/{tenant}/purge',
    summary: 'Makes everything cached for a tenant unreadable; returns when that holds everywhere.',
    needs: 'admin token',
    errors: { '403': 'storage_not_available', '404': 'not_found' },
  },
  { method: 'get', path: '/metrics', ...METRICS },
  { method: 'get', path: '/admin/v1/metrics', ...METRICS },
  {
    method: 'get',
    path: TENANT_KEYS,
    summary: 'Keys of a tenant, without anything of a secret.',
    needs: 'admin token',
    errors: { '404': 'not_found' },
  },
  {
    method: 'post',
    path: TENANT_KEYS,
    summary: 'Makes a key, and shows it once.',
    needs: 'admin token',
    body: 'CreateKey',
    errors: {
      '400': 'The body is not understood.',
      '404': 'not_found',
      '409': 'key_exists, key_in_config or too_many_keys',
    },
  },
  {
    method: 'post',
    path: `${TENANT_KEYS}/{key}/rotate`,
    summary: 'Replaces a key; the old one goes on for a while.',
    needs: 'admin token',
    body: 'RotateKey',
    errors: { '400': 'The body is not understood.', '404': 'key_not_found', '409': 'key_in_config' },
  },
  {
    method: 'delete',
    path: `${TENANT_KEYS}/{key}`,
    summary: 'Revokes a key; returns when it opens nothing.',
    needs: 'admin token',
    errors: { '404': 'key_not_found' },
  },
  {
    method: 'get',
    path: '/admin/v1/tenants/{tenant}/usage',
    summary: 'What a tenant has used, spent and saved.',
    needs: 'admin token',
    query: { ...USAGE_QUERY, format: 'json or csv.' },
    answers: ['application/json', 'text/csv'],
    errors: { '400': 'invalid_parameter', '403': 'storage_not_available', '503': 'limits_unavailable' },
  },
  {
    method: 'get',
    path: TENANT_AUDIT,
    summary: 'Entries of a tenant’s audit log.',
    needs: 'admin token',
    query: {
      from: 'From this time on, in UTC.',
      to: 'Until before this time.',
      request_id: 'Of one request.',
      limit: 'Entries at most.',
      after: 'What the page before gave as next.',
    },
    errors: { '400': 'invalid_parameter', '503': 'audit_unavailable' },
  },
  {
    method: 'get',
    path: `${TENANT_AUDIT}/export`,
    summary: 'The log as JSON Lines, with signed heads.',
    needs: 'admin token',
    answers: ['application/x-ndjson'],
    errors: { '503': 'signing_not_available or audit_unavailable' },
  },
  { method: 'get', path: '/admin/v1/openapi.json', summary: 'This document.', needs: 'nothing' },
  {
    method: 'get',
    path: '/admin/v1/docs',
    summary: 'This document, for reading.',
    needs: 'nothing',
    answers: ['text/html'],
  },
]
