/** How changing the config can fail, for an operator: part of the table in errors.ts. */
import { NO_RETRY, type Row, type RowsOf } from './error-row.ts'

export type ConfigError =
  | { readonly reason: 'config_not_stored' }
  | { readonly reason: 'invalid_config'; readonly mistakes: number }
  | { readonly reason: 'config_cases_failed'; readonly failed: number }
  | { readonly reason: 'config_conflict'; readonly current: string }
  | { readonly reason: 'widening_not_accepted' }
  | { readonly reason: 'orphans_not_accepted' }
  | { readonly reason: 'config_version_not_found' }
  /** Something that it names is not there any more, or this code does not understand it. */
  | { readonly reason: 'config_version_not_usable' }

export const CONFIG_ROWS: RowsOf<ConfigError> = {
  config_not_stored: () =>
    refused(409, 'The config is the file that was deployed (config.source = "file"): change it and deploy.'),
  invalid_config: ({ mistakes }) =>
    refused(422, `The config has mistakes: ${mistakes}. They are listed in "mistakes".`, 'config'),
  config_cases_failed: ({ failed }) =>
    refused(
      422,
      `Cases that do not come out as they expect: ${failed}. They are listed in "mistakes".`,
      'cases',
    ),
  config_conflict: ({ current }) =>
    refused(409, `The config was changed in the meantime: it is at ${current} now. Compare again.`),
  widening_not_accepted: () =>
    refused(
      409,
      'Tenants would be allowed more than before, as listed in "diff". Accept it with accept_widening.',
    ),
  orphans_not_accepted: () =>
    refused(
      409,
      'Tenants would lose their last pool for a model, as listed in "diff". Accept it with accept_orphans.',
    ),
  config_version_not_found: () => refused(404, 'There is no such version of the config.'),
  config_version_not_usable: () =>
    refused(409, 'This version cannot be used any more. The reasons are listed in "mistakes".'),
}

/** Asking again does not help. */
function refused(status: number, message: string, param?: string): Row {
  return {
    status,
    type: 'invalid_request_error',
    message,
    headers: NO_RETRY,
    ...(param === undefined ? {} : { param }),
  }
}
