/** What a report on usage can be asked for. */

export const USAGE_QUERY = {
  from: 'First day, in UTC; without it, the first of this month.',
  to: 'Last day.',
  group_by: 'Some of day, model, pool, key and kind, with commas between.',
} as const
