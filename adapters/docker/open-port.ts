import { connect } from 'node:net'
import type { ContainerInspectInfo } from 'dockerode'
import type { Address } from '../../domain/instance/runtime.ts'
import { pause } from '../../domain/kernel/pause.ts'

const POLL_MS = 100
/** The engine's own proxy takes every connection, and drops those that nobody in the container wants at once. */
const STAYS_OPEN_MS = 150

/**
 * Where a port of a container may be reached: published on this machine's loopback, and, for an mcpd that is a container
 * itself, on the network that both are in.
 */
export const addressesOf = ({ NetworkSettings }: ContainerInspectInfo, port: number, network?: string): Address[] => {
  const published = NetworkSettings.Ports?.[`${port}/tcp`]?.[0]?.HostPort
  const inside = network === undefined ? undefined : NetworkSettings.Networks?.[network]?.IPAddress
  return [
    ...(published === undefined ? [] : [{ host: '127.0.0.1', port: Number(published) }]),
    ...(inside === undefined || inside === '' ? [] : [{ host: inside, port }]),
  ]
}

const accepts = ({ host, port }: Address): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port })
    const settle = (answer: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    let timer = setTimeout(settle, POLL_MS + STAYS_OPEN_MS, false)
    socket.once('connect', () => {
      clearTimeout(timer)
      timer = setTimeout(settle, STAYS_OPEN_MS, true)
    })
    socket.resume()
    socket.once('end', () => settle(false))
    socket.once('error', () => settle(false))
    socket.once('close', () => settle(false))
  })

/** Waits until one of these accepts connections, and gives it; undefined when `signal` aborts first. */
export const firstToAccept = async (places: readonly Address[], signal: AbortSignal): Promise<Address | undefined> => {
  while (!signal.aborted) {
    for (const place of places) if (await accepts(place)) return place
    await pause(POLL_MS, signal)
  }
  return undefined
}
