/** Longest name of a tool or prompt that every model provider takes. */
export const MAX_EXPOSED_NAME = 64

/** Between a server's name, which has no underscore, and the name of its tool or prompt. */
export const SERVER_SEPARATOR = '__'
