/** What may happen to a log, as plain values, so that a finding can be read. */
import fc from 'fast-check'
import type { Surface } from '../../../../shared/log/frame.ts'
import type { PoolStyle } from './pool-run.ts'
import type { Story } from './story.ts'
import { die, drop, extend, join, produce, read, restart, resume } from './world.ts'
import type { ModelReader, Wish, World } from './world.ts'

export type Step =
  | { readonly do: 'produce'; readonly events: number }
  | { readonly do: 'join'; readonly wish: Wish }
  | { readonly do: 'read'; readonly reader: number; readonly characters: number }
  | { readonly do: 'resume'; readonly reader: number; readonly back: number }
  | { readonly do: 'extend'; readonly style: PoolStyle }
  | { readonly do: 'die' }
  | { readonly do: 'restart'; readonly keep?: number }
  | { readonly do: 'drop'; readonly share: number }

export interface Life {
  readonly surface: Surface
  readonly story: Story
  readonly mayCut: boolean
  /** Of the first reader, for whom the log is made. */
  readonly limit: number | undefined
  readonly style: PoolStyle
  readonly steps: readonly Step[]
  /** How pools continue it when all this is over. */
  readonly lastStyle: PoolStyle
}

/** Texts that never begin with each other. */
const UNITS = [[' one'], [' two'], ['."\n'], ['\\u']]
/** Of several tokens, which do not show until the last. */
const HIDDEN_UNITS = [
  ['', 'é'],
  ['', '', '世'],
]
const UNBOUND = 1000

/** Most of them are within the stories. */
const limits = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 2, arbitrary: fc.integer({ min: 13, max: 30 }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
)

/** A server that counts at the end only cannot be told from one that ended in the middle of a character. */
function storiesFor(surface: Surface): fc.Arbitrary<Story> {
  const units = surface === 'chat' ? [...UNITS, ...HIDDEN_UNITS] : UNITS
  return fc.record({
    tokens: fc.array(fc.constantFrom(...units), { maxLength: 12, size: 'max' }).map((list) => list.flat()),
    context: fc.oneof(
      { weight: 3, arbitrary: fc.constant(UNBOUND) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 22 }) },
    ),
  })
}

export const lives: fc.Arbitrary<Life> = fc.constantFrom<Surface>('chat', 'completions').chain((surface) => {
  const styles = stylesOf(surface)
  return fc.record({
    surface: fc.constant(surface),
    story: storiesFor(surface),
    mayCut: fc.boolean(),
    limit: limits,
    style: styles,
    steps: fc.array(stepsOf(styles), { maxLength: 45, size: 'max' }),
    lastStyle: styles,
  })
})

function stylesOf(surface: Surface): fc.Arbitrary<PoolStyle> {
  return fc.record({
    // In a chat no unknown server would go on.
    dialect: fc.constantFrom('vllm', 'llamacpp', ...(surface === 'chat' ? [] : (['openai'] as const))),
    chunks: fc.oneof(
      fc.constant([1]),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    ),
    echoes: fc.boolean(),
  })
}

function stepsOf(styles: fc.Arbitrary<PoolStyle>): fc.Arbitrary<Step> {
  const reader = fc.nat(30)
  const events = fc.integer({ min: 1, max: 3 })
  const wish = fc.record({ limit: limits, canContinue: fc.constantFrom(true, true, false) })
  return fc.oneof(
    { weight: 16, arbitrary: fc.record({ do: fc.constant('produce'), events }) },
    { weight: 12, arbitrary: fc.record({ do: fc.constant('join'), wish }) },
    {
      weight: 16,
      arbitrary: fc.record({ do: fc.constant('read'), reader, characters: fc.integer({ min: 1, max: 400 }) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('resume'), reader, back: fc.nat(8) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('extend'), style: styles }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('die') }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('restart'), keep: fc.nat(12) }, { requiredKeys: ['do'] }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('drop'), share: fc.constantFrom(0.3, 0.8, 1) }) },
  )
}

export function take(world: World, step: Step): void {
  switch (step.do) {
    case 'produce':
      return produce(world, step.events)
    case 'join':
      return join(world, step.wish)
    case 'read':
      return read(world, readerAt(world, step.reader), step.characters)
    case 'resume':
      return resume(readerAt(world, step.reader), step.back)
    case 'extend':
      return extend(world, step.style)
    case 'die':
      return die(world)
    case 'restart':
      return restart(world, step.keep)
    case 'drop':
      return drop(world, step.share)
  }
}

function readerAt({ readers }: World, index: number): ModelReader {
  const reader = readers[index % readers.length]
  if (reader === undefined) throw new Error('there is always the first one')
  return reader
}

/** The same where nothing goes wrong: pools that count every token and live, and a model in which everything fits. */
export function withoutFaults({ story, steps, style, lastStyle, ...life }: Life): Life {
  const countEvery = (some: PoolStyle): PoolStyle => ({
    ...some,
    dialect: some.dialect === 'openai' ? 'vllm' : some.dialect,
    chunks: [1],
  })
  return {
    ...life,
    story: { tokens: story.tokens.filter((text) => text !== ''), context: UNBOUND },
    style: countEvery(style),
    lastStyle: countEvery(lastStyle),
    steps: steps
      .filter((step) => !['die', 'restart', 'drop'].includes(step.do))
      .map((step) => (step.do === 'extend' ? { ...step, style: countEvery(step.style) } : step)),
  }
}
