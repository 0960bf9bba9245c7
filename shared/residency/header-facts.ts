/** What a request says in the headers that rules ask about, and nothing of its others. */
import type { Rule } from '../schema/mesh.ts'

/**
 * By lower-case name: the header's text, or null where the request has none. A name that is missing is not known, be
 * it that nobody looked or that the text is more than anybody should read.
 */
export type HeaderFacts = Readonly<Record<string, string | null>>

/** As long as the longest value of the config; of such headers a run's id can carry as many as rules may name. */
export const MAX_HEADER_CHARACTERS = 128
const PLAIN = /^[\x20-\x7e]*$/

/** Reads the headers that the rules name. @param read gives a header's text by its lower-case name */
export function headerFactsOf(rules: readonly Rule[], read: (name: string) => string | null): HeaderFacts {
  const facts: Record<string, string | null> = {}
  for (const name of headerNamesOf(rules)) {
    const text = read(name)
    if (text === null || isReadable(text)) facts[name] = text
  }
  return facts
}

/** The names of all headers that rules ask about, each once. */
export function headerNamesOf(rules: readonly Rule[]): ReadonlySet<string> {
  return new Set(rules.flatMap(({ match }) => match.headers?.map(({ name }) => name) ?? []))
}

/**
 * Two requests read as one that says what both say; what is not known of one is not known. For a client that comes back:
 * what its first request said still holds.
 */
export function bothHeaderFacts(
  one: HeaderFacts | undefined,
  other: HeaderFacts | undefined,
): HeaderFacts | undefined {
  if (one === undefined || other === undefined) return undefined
  const both: Record<string, string | null> = {}
  for (const [name, text] of Object.entries(one)) {
    if (!Object.hasOwn(other, name)) continue
    const said = [text, other[name] ?? null].filter((part) => part !== null)
    both[name] = said.length === 0 ? null : said.join(',')
  }
  return both
}

/**
 * The values a header's text lists. A header may be sent several times and then reads as one text with commas (RFC 9110
 * §5.3): each value counts by itself, so that adding another one does not hide the first.
 */
export function valuesOf(text: string): readonly string[] {
  return text.split(',').map((value) => value.trim())
}

function isReadable(text: string): boolean {
  return text.length <= MAX_HEADER_CHARACTERS && PLAIN.test(text)
}
