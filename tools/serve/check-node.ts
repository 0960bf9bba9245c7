/** Checks everything a node needs before anything is started: mode, config, place, secrets, bindings. */
import { parseMeshMode, type MeshMode } from '../../shared/config/mode.ts'
import { parseNodePlace, type NodePlace } from '../../shared/config/node-place.ts'
import { describeProblem, parseMeshConfig } from '../../shared/config/parse.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { keyMistakes } from './key-mistakes.ts'
import type { ServeOptions } from './read-options.ts'
import { readSecrets, type SecretSources } from './read-secrets.ts'
import { parseWranglerFacts, type WranglerFacts } from './wrangler-facts.ts'

export interface CheckedNode {
  /** Of mesh.toml, as it stands in the file: the config's version is its digest. */
  readonly configText: string
  readonly facts: WranglerFacts
  readonly place: NodePlace
  /** By name. */
  readonly secrets: Readonly<Record<string, string>>
}

export interface NodeSources extends SecretSources {
  readonly wranglerToml: string
}

/** The errors are lines for a person: every mistake that can be seen at once. */
export function checkNode(
  options: ServeOptions,
  sources: NodeSources,
): Result<CheckedNode, readonly string[]> {
  const mode = singleMode(options.mode)
  if (!mode.ok) return err([mode.error])
  const configText = sources.readText(options.configFile)
  if (configText === undefined) return err([`${options.configFile} cannot be read.`])
  const config = parseMeshConfig(configText, { mode: mode.value })
  if (!config.ok) return err(config.error.map(describeProblem))

  const { colo, country, continent } = options.node
  const stated = JSON.stringify({ colo, country, continent })
  const place = parseNodePlace(stated, { mode: mode.value, regions: config.value.regions })
  const secrets = readSecrets([...config.value.pools, ...config.value.telemetry.exporters], sources)
  const facts = parseWranglerFacts(sources.wranglerToml)
  const mistakes = [
    ...(place.ok ? [] : [place.error]),
    ...(secrets.ok ? [] : secrets.error),
    ...(facts.ok ? [] : [facts.error]),
    ...keyMistakes(config.value, sources.known),
    ...bindingMistakes(config.value),
  ]
  if (!place.ok || place.value === undefined || !secrets.ok || !facts.ok || mistakes.length > 0) {
    return err(mistakes)
  }
  return ok({ configText, facts: facts.value, place: place.value, secrets: secrets.value })
}

function singleMode(text: string | undefined): Result<MeshMode, string> {
  const mode = parseMeshMode(text)
  if (!mode.ok || mode.value.kind === 'single') return mode
  return err(
    'serve runs a node on your own machines: give --mode "single:" and the jurisdiction they stand in, e.g. "single:eu".',
  )
}

/** A private network is reached directly here: there is no platform whose tunnel would have to be named. */
function bindingMistakes({ pools }: MeshConfig): readonly string[] {
  return pools
    .filter(({ binding }) => binding !== undefined)
    .map(
      ({ id }) =>
        `Pool "${id}": serve has no bindings to private networks; give the pool its address there as url.`,
    )
}
