import type { Clock } from '../../domain/kernel/clock.ts'
import type { Keyring, MasterKeyRotation, RecordRotation } from '../../domain/secret/keyring.ts'
import { MASTER_KEY_STREAM, masterKeyDecider } from '../../domain/secret/master-key.ts'
import { type CommandContext, within } from '../context.ts'
import { derivedUuid } from '../event-id.ts'
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
    const own = within(context, derivedUuid('rotation', context.commandId, from, to))
    await commands.handle(masterKeyDecider, MASTER_KEY_STREAM, command, own)
  }

/** `mcpctl rotate master-key`: all data keys wrapped anew, no value touched, and an event that says so. @throws MasterKeyGiven */
export const rotateMasterKey = (
  deps: RotationDeps & { readonly keyring: Keyring },
  context: CommandContext,
): Promise<MasterKeyRotation> => deps.keyring.rotate(recordRotation(deps, context))
