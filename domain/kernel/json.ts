/** What may stand in an event, a request or a row: JSON, and nothing JSON cannot say (no bigint, no Date). An undefined member is an absent one. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}
