import { join } from 'node:path'

/** The environment of a user whose home is `home`: what `startSystem` gives `mcpctl up`. */
export const userEnv = (home: string): Readonly<Record<string, string>> => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
  MCPCTL_HOME: join(home, '.mcpctl'),
})
