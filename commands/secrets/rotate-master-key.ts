import type { Clock } from '../../domain/kernel/clock.ts'
import type { Keyring, MasterKeyRotation, RecordRotation } from '../../domain/secret/keyring.ts'
import { MASTER_KEY_STREAM, masterKeyDecider } from '../../domain/secret/master-key.ts'
import { type CommandContext, within } from '../context.ts'
import { derivedUuid, eventId } from '../event-id.ts'
import type { CommandLoop } from '../handle.ts'

export interface RotationDeps {
  readonly commands: CommandLoop
  readonly clock: Clock
}

/** Records a rotation as `MasterKeyRotated` in the log, once however often it is told. Given to `openKeyring` with a context of mcpd itself. */
export const recordRotation =
  ({ commands, clock }: RotationDeps, context: CommandContext): RecordRotation =>
  async ({ from, to, rewrapped }) => {
    const at = clock.now().toISOString()
    const command = { type: 'RecordMasterKeyRotation', from, to, rewrapped, at } as const
    const own = within(context, rotationId(context, { from, to }))
    await commands.handle(masterKeyDecider, MASTER_KEY_STREAM, command, own)
  }

/** `mcpctl rotate master-key`: all data keys wrapped anew, no value touched, and an event that says so. A repeated request rotates once. @throws MasterKeyGiven */
export const rotateMasterKey = async (
  deps: RotationDeps & { readonly keyring: Keyring },
  context: CommandContext,
): Promise<MasterKeyRotation> => {
  const { newest } = (await deps.commands.load(masterKeyDecider, MASTER_KEY_STREAM)).state
  if (newest !== undefined && newest.eventId === eventId(rotationId(context, newest), MASTER_KEY_STREAM, 0)) {
    const { from, to, rewrapped } = newest
    return { from, to, rewrapped }
  }
  return deps.keyring.rotate(recordRotation(deps, context))
}

const rotationId = ({ commandId }: CommandContext, { from, to }: Pick<MasterKeyRotation, 'from' | 'to'>): string =>
  derivedUuid('rotation', commandId, from, to)
