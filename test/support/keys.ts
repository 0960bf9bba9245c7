/** API keys of the tenants that tests know; see mesh-config.ts for the tenants. */
export const KEYS = {
  demo: 'sk-mesh-demo-0123456789abcdefghijABCDEFGHIJ',
  'eu-bank': 'sk-mesh-eu-bank-0123456789abcdefghijABCDEFGHIJ',
} as const
