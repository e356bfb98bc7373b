/** Items of sources that come and go, in the order in which they come. */
export interface Confluence<Item> {
  /** Takes a source in. It is asked for its next item when the last one was taken: one of each waits at most. */
  add(source: AsyncIterable<Item>): void
  /** To be read once; ends with the last source. What a source throws is thrown here. */
  items(): AsyncGenerator<Item>
}

/** @param signal ends it at once; sources must end by it, too */
export const confluence = <Item>(signal: AbortSignal): Confluence<Item> => {
  const waiting: { readonly item: Item; readonly taken: () => void }[] = []
  let open = 0
  let ended = false
  let failure: { readonly error: unknown } | undefined
  let wake = (): void => {}

  const drain = async (source: AsyncIterable<Item>): Promise<void> => {
    for await (const item of source) {
      if (ended) return
      await new Promise<void>((taken) => {
        waiting.push({ item, taken })
        wake()
      })
    }
  }

  const end = (): void => {
    ended = true
    for (const { taken } of waiting.splice(0)) taken()
    wake()
  }

  return {
    add(source) {
      open += 1
      drain(source)
        .catch((error: unknown) => {
          failure ??= { error }
        })
        .finally(() => {
          open -= 1
          wake()
        })
    },
    async *items() {
      signal.addEventListener('abort', end, { once: true })
      if (signal.aborted) end()
      try {
        while (!ended) {
          const next = waiting.shift()
          if (next !== undefined) {
            yield next.item
            next.taken()
          } else if (failure !== undefined) throw failure.error
          else if (open === 0) return
          else
            await new Promise<void>((resolve) => {
              wake = resolve
            })
        }
      } finally {
        signal.removeEventListener('abort', end)
        end()
      }
    },
  }
}
