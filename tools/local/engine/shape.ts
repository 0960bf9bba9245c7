/** The form of a JSON value: what is left of a JSON schema once its references are followed. Always finite. */

export type Shape =
  | { readonly kind: 'literal'; readonly value: unknown }
  /** Never empty. */
  | { readonly kind: 'either'; readonly shapes: readonly Shape[] }
  /** Lengths in code points. */
  | {
      readonly kind: 'text'
      readonly minLength: number
      readonly maxLength: number
      readonly format?: string
    }
  /** Both bounds belong to the range. */
  | { readonly kind: 'integer'; readonly least: number; readonly most: number }
  /** Neither bound belongs to the range, and they differ. */
  | { readonly kind: 'number'; readonly above: number; readonly below: number }
  | { readonly kind: 'array'; readonly items: Shape; readonly minItems: number; readonly maxItems: number }
  | { readonly kind: 'object'; readonly members: readonly Member[] }

export interface Member {
  readonly name: string
  readonly shape: Shape
  readonly isRequired: boolean
}

/** What JSON mode writes: a model asked for "a JSON object" without a schema chooses one like it. */
export const FREE_OBJECT: Shape = {
  kind: 'object',
  members: [
    { name: 'title', shape: { kind: 'text', minLength: 0, maxLength: 60 }, isRequired: true },
    { name: 'count', shape: { kind: 'integer', least: 0, most: 100 }, isRequired: true },
    {
      name: 'places',
      shape: {
        kind: 'array',
        items: { kind: 'text', minLength: 0, maxLength: 60 },
        minItems: 1,
        maxItems: 4,
      },
      isRequired: true,
    },
    { name: 'note', shape: { kind: 'text', minLength: 20, maxLength: 60 }, isRequired: false },
  ],
}
