/** Most questions that one answer takes care of. */
export const MAX_TOGETHER = 200

interface Asked<Question, Answer> {
  readonly question: Question
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/**
 * Answers questions, all that are asked in one turn at once: when a commit wakes those who waited for it, each wants its
 * row, and one statement for thirty rows costs little more than one for a single row.
 *
 * @param answer answers in the order of the questions; its failure is everybody's
 */
export const together = <Question, Answer>(
  answer: (questions: readonly Question[]) => Promise<readonly Answer[]>,
): ((question: Question) => Promise<Answer>) => {
  let asked: Asked<Question, Answer>[] = []
  const flush = (): void => {
    const all = asked
    asked = []
    if (all.length === 0) return
    answer(all.map(({ question }) => question)).then(
      (answers) => {
        for (const [i, { resolve }] of all.entries()) resolve(answers[i] as Answer)
      },
      (error: unknown) => {
        for (const { reject } of all) reject(error)
      },
    )
  }
  return (question) =>
    new Promise((resolve, reject) => {
      asked.push({ question, resolve, reject })
      if (asked.length >= MAX_TOGETHER) flush()
      else if (asked.length === 1) queueMicrotask(flush)
    })
}
