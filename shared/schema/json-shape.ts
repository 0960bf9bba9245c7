/**
 * Looks at the shape of JSON text before it is parsed: JSON.parse keeps the last of two equal keys and recurses as
 * deep as the text does, so that a body could be checked as one request and read elsewhere as another.
 */
import { err, ok } from '../result.ts'
import type { GatewayError } from '../errors.ts'
import type { Result } from '../result.ts'

export interface ShapeLimits {
  /** Objects and arrays inside one another; the outermost one counts as 1. */
  readonly maxDepth: number
}

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** An object that is open at this point of the text; an array keeps no keys. */
interface OpenObject {
  readonly keys: Set<string>
  isKeyNext: boolean
}

/**
 * Fails with `duplicate_key` (1-based index of the second key's first character), `body_too_deep`, or
 * `unsupported_parameter` for a `__proto__` key, however these keys are spelled. One pass, never recursive, at most
 * `maxDepth` open containers in memory. Text that is not JSON is not judged: it may pass or fail, JSON.parse decides.
 */
export function checkJsonShape(text: string, limits: ShapeLimits): Result<undefined, GatewayError> {
  const open: (OpenObject | undefined)[] = []
  let innermost: OpenObject | undefined
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case QUOTE: {
        const end = endOfString(text, index)
        if (innermost?.isKeyNext === true) {
          const error = addKey(innermost, text.slice(index, end + 1), index + 1)
          if (error !== undefined) return err(error)
        }
        index = end
        break
      }
      case COMMA:
        if (innermost !== undefined) innermost.isKeyNext = true
        break
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (open.length >= limits.maxDepth) {
          return err({ reason: 'body_too_deep', maxDepth: limits.maxDepth })
        }
        innermost = text.charCodeAt(index) === OPEN_BRACE ? { keys: new Set(), isKeyNext: true } : undefined
        open.push(innermost)
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        open.pop()
        innermost = open.at(-1)
        break
    }
  }
  return ok(undefined)
}

/** Index of the closing quote, or of the last character where there is none. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === QUOTE) return index
    if (code === BACKSLASH) index += 1
  }
  return text.length
}

function addKey(object: OpenObject, quoted: string, position: number): GatewayError | undefined {
  object.isKeyNext = false
  const key = unescape(quoted)
  // As an own property it is harmless, but the first copy made by assignment would set a prototype.
  if (key === '__proto__') {
    return {
      reason: 'unsupported_parameter',
      where: 'An object in the body',
      position: object.keys.size + 1,
    }
  }
  if (object.keys.has(key)) return { reason: 'duplicate_key', position }
  object.keys.add(key)
  return undefined
}

function unescape(quoted: string): string {
  if (quoted.includes('\\')) {
    try {
      return String(JSON.parse(quoted))
    } catch {
      // A broken escape: the whole text is not JSON, which parsing it will say.
    }
  }
  return quoted.slice(1, -1)
}
