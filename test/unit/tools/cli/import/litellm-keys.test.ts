import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { fixture, litellm, must, told } from './an-import.ts'

const FILES = {
  keysText: fixture('litellm-keys.json'),
  teamsText: fixture('litellm-teams.json'),
  acceptSharedPrefix: true,
}
const TOKEN = 'a'.repeat(64)

function importKeys(key: object, teams: readonly object[] = []) {
  return litellm(fixture('litellm.yaml'), {
    keysText: JSON.stringify([{ token: TOKEN, ...key }]),
    teamsText: JSON.stringify(teams),
  })
}

describe('keys of LiteLLM', () => {
  test('stay what they are, by their hash, in a tenant for each team', () => {
    const { config } = must(litellm(fixture('litellm.yaml'), FILES))
    expect(
      config.tenants.map(({ id, models, keys }) => ({
        id,
        models,
        keys: keys.map((key) => [key.id, key.sha256]),
      })),
    ).toEqual([
      {
        id: 'research-co',
        models: ['gpt-4o'],
        keys: [['batch-jobs', sha256('sk-litellmTeamKey0123456789')]],
      },
      { id: 'imported', models: '*', keys: [['key-343a5db7', sha256('sk-litellmTeamless0123456789')]] },
    ])
  })

  test('are left out where the mesh would not hold them to what LiteLLM did', () => {
    expect(
      told(must(litellm(fixture('litellm.yaml'), FILES)), 'left_out').filter((line) =>
        line.startsWith('keys'),
      ),
    ).toEqual([
      'keys[2] (limited): the mesh would not hold it to rpm_limit, max_budget',
      'keys[3] (expired): it has expired',
      'keys[4] (blocked): it is blocked',
      'keys[5] (plain): its token is no SHA-256',
      'keys[6] (strangers): its team is not known: give the list of teams with --teams',
    ])
  })

  test('come without their limits where that is accepted, but never when they are over', () => {
    const imported = must(litellm(fixture('litellm.yaml'), { ...FILES, acceptWidening: true }))
    expect(imported.config.tenants[1]?.keys.map(({ id }) => id)).toEqual(['key-343a5db7', 'limited'])
    expect(told(imported, 'lost')).toContain(
      'keys[2] (limited): you accepted that it is wider without rpm_limit, max_budget',
    )
  })

  test.each([
    [{ a_limit_of_tomorrow: 3 }, 'a_limit_of_tomorrow'],
    [{ aliases: { 'gpt-4o': 'gpt-4o-mini' } }, 'aliases'],
    [{ expires: '2027-01-01T00:00:00Z' }, 'expires'],
    [{ metadata: { tags: ['x'] } }, 'tags'],
    [{ metadata: { model_rpm_limit: { story: 1 } } }, 'model_rpm_limit'],
    [{ user_id: 'u-17' }, 'limits of its user'],
    [{ allowed_routes: ['/key/info'] }, 'allowed_routes'],
  ])('with %j are held back', (key, limit) => {
    const imported = must(importKeys(key))
    expect(imported.config.tenants[0]?.keys).toEqual([])
    expect(told(imported, 'left_out')).toContain(`keys[0]: the mesh would not hold it to ${limit}`)
  })

  test('open no model that they, or their team, did not open', () => {
    const team = [{ team_id: 't', models: ['gpt-4o', 'story'] }]
    const models = (key: object, teams: readonly object[] = []) => {
      const result = importKeys(key, teams)
      return result.ok ? result.value.config.tenants[0] : undefined
    }
    expect(models({ models: ['story', 'gpt-4o-mini'], team_id: 't' }, team)).toMatchObject({
      models: ['story'],
    })
    expect(models({ models: ['all-team-models'], team_id: 't' }, team)).toMatchObject({
      models: ['gpt-4o', 'story'],
    })
    expect(models({ models: [], team_id: 't' }, team)).toMatchObject({ models: ['gpt-4o', 'story'] })
    // A key whose models are not there is left out; the tenant that stands then has no key.
    expect(models({ models: ['some-access-group'] })).toMatchObject({ id: 'imported', keys: [] })
    expect(models({ models: ['all-team-models'] })).toMatchObject({ id: 'imported', keys: [] })
  })

  test('of several tenants share no prefix cache unless that is accepted', () => {
    const refused = litellm(fixture('litellm.yaml'), { ...FILES, acceptSharedPrefix: false })
    expect(refused.ok ? [] : refused.error.lines.at(-1)).toBe(
      'To let tenants share prefix caches of such pools: --accept-shared-prefix.',
    )
  })
})

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
