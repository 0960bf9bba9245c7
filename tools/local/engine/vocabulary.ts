/**
 * The words and sentence patterns the engine writes with. No word holds a space; a few hold multi-byte characters,
 * so that whoever cuts or counts bytes instead of characters is caught.
 */

/** One place of a pattern: the words that may stand there and the punctuation after them. */
interface Slot {
  readonly words: readonly string[]
  readonly suffix: string
}

const WORDS: Readonly<Record<string, readonly string[]>> = {
  noun: list(
    'harbour lantern bridge river garden window letter mountain captain orchard market engine bottle library',
    'teacher shadow valley station compass kettle sailor village painter mirror forest island clock tower',
    'café naïveté résumé piñata blacksmith lighthouse cartographer neighbourhood',
  ),
  adjective: list(
    'quiet old bright narrow patient distant wooden gentle curious heavy golden empty careful honest green',
    'weathered extraordinary forgotten blasé unremarkable',
  ),
  verb: list(
    'remembered followed carried opened crossed watched painted answered repaired left found described',
    'measured understood illuminated surrounded reconsidered',
  ),
  preposition: list('beside behind near under above beyond across toward around'),
  adverb: list('slowly carefully twice again quietly gladly suddenly nevertheless unexpectedly'),
  time: list('Yesterday Later Tonight Meanwhile Afterwards Eventually'),
  number: list('2 3 7 12 40 300 1907'),
  emoji: ['🌊', '🌙', '🧭', '🪴'],
}

const PATTERNS: readonly (readonly Slot[])[] = [
  pattern('The {adjective} {noun} {verb} the {noun} {preposition} the {adjective} {noun}.'),
  pattern('{time}, the {noun} {verb} the {adjective} {noun} {adverb}.'),
  pattern('Nobody {verb} the {noun}, because the {noun} {preposition} the {noun} was {adjective}.'),
  pattern('The {noun} was {adjective} and the {noun} was {adjective}, but the {noun} {verb} it {adverb}.'),
  pattern('{time}, {number} of us {verb} the {noun} {preposition} the {noun}.'),
  pattern('Was the {noun} {preposition} the {noun} always so {adjective}?'),
  pattern('The {noun} — {adjective}, {adjective} — {verb} the {noun} {adverb}.'),
  pattern('Somebody drew a {emoji} on the {noun} {preposition} the {adjective} {noun}.'),
  pattern('Every {noun} {preposition} the {noun} {verb} the {noun}, and the {noun} {verb} the {noun}.'),
]

/** Every word once. */
export const ALL_WORDS: readonly string[] = [...new Set(Object.values(WORDS).flat())]

export const PATTERN_COUNT = PATTERNS.length

/** Where a word stands: its sentence's pattern, its number in it, and a chooser among the alternatives there. */
export interface WordPlace {
  readonly pattern: number
  readonly slot: number
  choose(count: number): number
}

/** The word at a place, with its punctuation. Beyond the pattern's end stands its last word, which ends it. */
export function wordAt(place: WordPlace): string {
  const slots = PATTERNS[place.pattern] ?? []
  const slot = slots[Math.min(place.slot, slots.length - 1)]
  if (slot === undefined) throw new Error('there is no such pattern')
  const word = slot.words.length === 1 ? slot.words[0] : slot.words[place.choose(slot.words.length)]
  return (word ?? '') + slot.suffix
}

/** Whether a word closes a sentence. */
export function endsSentence(word: string): boolean {
  const last = word.at(-1)
  return last === '.' || last === '?' || last === '!'
}

function list(...lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => line.split(' '))
}

function pattern(sentence: string): readonly Slot[] {
  return sentence.split(' ').map((part) => {
    const found = /^\{(\w+)\}(.*)$/.exec(part)
    if (found === null) return { words: [part], suffix: '' }
    return { words: WORDS[found[1] ?? ''] ?? [], suffix: found[2] ?? '' }
  })
}
