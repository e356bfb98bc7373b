import type { Commit } from '../../projections/commit.ts'

/** Where the log is, for a thread that opens it by itself. */
export type LogLocation =
  | { readonly kind: 'embedded'; readonly folder: string }
  | { readonly kind: 'eventstore'; readonly connectionString: string }

/** `workerData` of the projector's thread. */
export interface ThreadData {
  readonly log: LogLocation
  readonly folder: string
  /** Throw the rows away first: the last runs did not end well. */
  readonly fresh: boolean
}

export type ToThread =
  | { readonly type: 'query'; readonly id: number; readonly text: string; readonly parameters: readonly unknown[] }
  | { readonly type: 'rebuild' }
  | { readonly type: 'close' }

export interface ThreadError {
  readonly message: string
  readonly code?: string
}

export type FromThread =
  /** The database can be asked, or what was told last did not come to be; with where its rows stand and all kinds that there are. */
  | { readonly type: 'open'; readonly position: bigint | undefined; readonly kinds: readonly string[] }
  | { readonly type: 'rows'; readonly id: number; readonly rows: readonly object[] }
  | { readonly type: 'failed'; readonly id: number; readonly error: ThreadError }
  | { readonly type: 'commit'; readonly commit: Commit }
  | {
      readonly type: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string
    }
