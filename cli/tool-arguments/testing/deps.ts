import type { Deps } from '../../deps.ts'

/** What reading arguments touches: standard input, prompts (a terminal where there are answers), and notes. */
export const depsWith = (answers: Readonly<Record<string, string>> | undefined, stdin = 'from stdin') => {
  const notes: string[] = []
  const deps = {
    input: { isTTY: answers !== undefined, bytes: async () => Buffer.from(stdin) },
    prompt: { text: async (question: string) => answers?.[question] ?? '' },
    out: { notesAreTTY: true, note: (text: string) => notes.push(text) },
  }
  return { deps: deps as unknown as Deps, notes } // what this part touches
}
