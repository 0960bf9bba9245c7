/** What a mesh has counted since its monitors began, as far as a glance needs it. */
import type { AdminClient } from './admin-client.ts'

export interface Counted {
  readonly requests: number
  /** Answers that have begun, and those of them that cost no generation of their own. */
  readonly answers: number
  readonly shared: number
  readonly tokens_computed: number
  readonly tokens_cached: number
  readonly tokens_saved: number
  /** Regions whose monitors did not answer: their counts are missing. */
  readonly silent_regions: readonly string[]
}

/** Outcomes that cost no generation, and one that is no answer of its own. */
const SHARED = ['hit', 'coalesced', 'extended']
const READ_AGAIN = 'resumed'
const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g

interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** Undefined where the mesh does not count, or not for whoever asks: the rest of a glance is worth having without. */
export async function readMetrics(client: AdminClient): Promise<Counted | undefined> {
  const text = await client.askText('/admin/v1/metrics')
  return text.ok ? countedIn(text.value) : undefined
}

/** @param text of Prometheus' text format */
export function countedIn(text: string): Counted {
  const samples = text.split('\n').flatMap(readSample)
  const sum = (name: string, isMeant: (sample: Sample) => boolean = () => true) =>
    samples.reduce((total, sample) => total + (sample.name === name && isMeant(sample) ? sample.value : 0), 0)
  const outcome = ({ labels }: Sample) => labels.get('outcome') ?? ''
  return {
    requests: sum('mesh_requests_total'),
    answers: sum('mesh_cache_outcomes_total', (sample) => outcome(sample) !== READ_AGAIN),
    shared: sum('mesh_cache_outcomes_total', (sample) => SHARED.includes(outcome(sample))),
    tokens_computed: sum('mesh_tokens_computed_total'),
    tokens_cached: sum('mesh_tokens_cached_total'),
    tokens_saved: sum('mesh_tokens_saved_total'),
    silent_regions: samples
      .filter(({ name, value }) => name === 'mesh_up' && value === 0)
      .map(({ labels }) => labels.get('region') ?? '?'),
  }
}

/** Names and values for people; a share of nothing is not known. */
export function tellCounted(counted: Counted): Readonly<Record<string, string | number | undefined>> {
  const { requests, answers, shared, silent_regions: silent } = counted
  const { tokens_computed: computed, tokens_cached: cached, tokens_saved: saved } = counted
  return {
    requests,
    'hit ratio': answers === 0 ? '-' : `${((100 * shared) / answers).toFixed(1)} % of ${answers} answers`,
    'tokens computed': `${computed}, of which ${cached} were in prefix caches`,
    'tokens saved':
      computed + saved === 0 ? '-' : `${saved} (${((100 * saved) / (computed + saved)).toFixed(1)} %)`,
    'not counted': silent.length === 0 ? undefined : `${silent.join(', ')} (the monitor does not answer)`,
  }
}

function readSample(line: string): Sample[] {
  const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
  if (name === undefined || !Number.isFinite(Number(value))) return []
  return [
    {
      name,
      labels: new Map([...labels.matchAll(LABEL)].map(([, label = '', text = '']) => [label, text])),
      value: Number(value),
    },
  ]
}
