/** What `append-forever.ts` keeps of the stream that it has trimmed. */
export const KEPT_BEATS = 5
