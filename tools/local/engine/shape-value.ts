/** Writes one of the values that fit a shape. */
import type { Shape } from './shape.ts'
import { ALL_WORDS } from './vocabulary.ts'

/** An even choice of 0 … count − 1. */
export type Choose = (count: number) => number

/** The same choices give the same value. An optional member is there every other time. */
export function valueOf(shape: Shape, choose: Choose): unknown {
  switch (shape.kind) {
    case 'literal':
      return shape.value
    case 'either': {
      const taken = shape.shapes[choose(shape.shapes.length)]
      if (taken === undefined) throw new Error('there is nothing to choose from')
      return valueOf(taken, choose)
    }
    case 'text':
      return text(shape, choose)
    case 'integer':
      return shape.least + choose(shape.most - shape.least + 1)
    case 'number':
      return between(shape.above, shape.below, choose)
    case 'array': {
      const length = shape.minItems + choose(shape.maxItems - shape.minItems + 1)
      return Array.from({ length }, () => valueOf(shape.items, choose))
    }
    case 'object': {
      const members = shape.members.filter(({ isRequired }) => isRequired || choose(2) === 0)
      // Not by assignment: a member may have the name __proto__.
      return Object.fromEntries(members.map((member) => [member.name, valueOf(member.shape, choose)]))
    }
  }
}

/** Any other format is an annotation, as JSON schema has it by default. All are ASCII. */
const FORMATS: ReadonlyMap<string | undefined, (choose: Choose) => string> = new Map([
  ['date', date],
  ['time', time],
  ['date-time', (choose) => `${date(choose)}T${time(choose)}`],
  ['email', (choose) => `user${choose(1_000)}@example.com`],
  ['uri', (choose) => `https://example.com/${choose(1_000)}`],
  ['uuid', (choose) => `00000000-0000-4000-8000-${String(choose(1_000_000)).padStart(12, '0')}`],
])

/** Lengths are a schema's own words, a format is only a hint: where they clash the lengths hold. */
function text(shape: Shape & { readonly kind: 'text' }, choose: Choose): string {
  const formatted = FORMATS.get(shape.format)?.(choose)
  const isFitting =
    formatted !== undefined && formatted.length >= shape.minLength && formatted.length <= shape.maxLength
  return isFitting ? formatted : words(shape, choose)
}

function date(choose: Choose): string {
  return `20${20 + choose(10)}-0${1 + choose(9)}-1${choose(10)}`
}

function time(choose: Choose): string {
  return `1${choose(10)}:${10 + choose(50)}:00Z`
}

/** As many as it takes. A word may be cut. */
function words({ minLength, maxLength }: Shape & { readonly kind: 'text' }, choose: Choose): string {
  const wanted = minLength === 0 ? 1 + choose(3) : 0
  const chosen: string[] = []
  let length = -1
  while (chosen.length < wanted || length < minLength) {
    const word = ALL_WORDS[choose(ALL_WORDS.length)] ?? ''
    chosen.push(word)
    length += 1 + Array.from(word).length
  }
  return Array.from(chosen.join(' ')).slice(0, maxLength).join('')
}

/** With two decimals where they fit between. */
function between(above: number, below: number, choose: Choose): number {
  const value = above + ((below - above) * (1 + choose(999))) / 1_001
  const rounded = Math.round(value * 100) / 100
  return rounded > above && rounded < below ? rounded : value
}
