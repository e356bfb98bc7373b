import type { InstanceHost } from '../../../domain/instance/host.ts'
import { type Exit, type Launch, startFailed } from '../../../domain/instance/runtime.ts'

/** A host whose programs are names in a set: what the reconciler asks of it is what is tested. */
export const pretendedHost = () => {
  const running = new Map<string, Launch>()
  let exited: (instance: string, exit: Exit) => void = () => {}
  let refusal: string | undefined
  let exitOfRefused: Exit | undefined
  let onStart = async (): Promise<void> => {}
  const host: InstanceHost = {
    async start(launch) {
      await onStart()
      if (refusal !== undefined) throw startFailed(refusal, undefined, exitOfRefused)
      running.set(launch.instance, launch)
      return { details: { pid: 1 } }
    },
    async stop(instance) {
      running.delete(instance)
    },
    async stopAll() {
      running.clear()
    },
    isRunning: (instance) => running.has(instance),
    probe: async () => ({ ok: true, result: {} }),
    setServing() {},
    onExit(listener) {
      exited = listener
    },
    async close() {
      running.clear()
    },
  }
  return {
    host,
    running,
    /** @param exit how its program ended, if it ran */
    refuse: (reason: string | undefined, exit?: Exit) => {
      refusal = reason
      exitOfRefused = exit
    },
    onStart: (what: () => Promise<void>) => {
      onStart = what
    },
    die(instance: string) {
      running.delete(instance)
      exited(instance, { code: 1, reason: 'it died' })
    },
  }
}
export type PretendedHost = ReturnType<typeof pretendedHost>
