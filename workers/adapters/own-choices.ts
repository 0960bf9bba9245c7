/**
 * Takes out of an event's choices what only the pool's own clients know: measurements, annotations, its own words for how
 * an answer ends. What is left reads the same whichever pool wrote it, so that another one can go on from it.
 */

type Choice = Readonly<Record<string, unknown>>

export interface ChoiceDialect {
  /** Members of a choice that are one pool's own and no part of the answer. */
  readonly droppedChoiceMembers?: ReadonlySet<string>
  /** OpenAI's words for the pool's reasons to finish; null for a word that says that it has not. */
  readonly finishReasons?: ReadonlyMap<unknown, string | null>
}

/**
 * The choices as clients get them: the very list if nothing in it had to change, and an empty one if all it had was the
 * pool's own.
 */
export function ownChoices(choices: readonly Choice[], dialect: ChoiceDialect): readonly Choice[] {
  if (dialect.droppedChoiceMembers === undefined && dialect.finishReasons === undefined) return choices
  const own = choices.map((choice) => ownChoice(choice, dialect))
  if (own.every((choice, index) => choice === choices[index])) return choices
  return own.every(saysNothing) ? [] : own
}

function ownChoice(choice: Choice, { droppedChoiceMembers, finishReasons }: ChoiceDialect): Choice {
  const reason = finishReasons?.get(choice.finish_reason)
  const names = Object.keys(choice)
  if (reason === undefined && !names.some((name) => droppedChoiceMembers?.has(name) === true)) return choice
  const kept = Object.entries(choice).filter(([name]) => droppedChoiceMembers?.has(name) !== true)
  return { ...Object.fromEntries(kept), ...(reason === undefined ? {} : { finish_reason: reason }) }
}

function saysNothing(choice: Choice): boolean {
  const { delta, text, finish_reason: reason } = choice
  return delta === undefined && text === undefined && (reason === undefined || reason === null)
}
