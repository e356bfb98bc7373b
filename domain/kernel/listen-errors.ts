import { coded } from './errors.ts'

/** 409: another program listens there. */
const portInUse = coded(
  'port-in-use',
  409,
  'Another program listens on the port already',
  (host: string, port: number) => ({
    message: `port ${port} on ${host} is in use`,
    hint: `Stop the program that listens there, or choose another port. \`ss -ltnp 'sport = :${port}'\` shows which it is.`,
    port,
  }),
)

/** 400: the address cannot be listened on at all. */
const cannotListen = coded(
  'cannot-listen',
  400,
  'The address is not one of this machine, or may not be listened on',
  (host: string, port: number, reason: string) => ({
    message: `cannot listen on ${host} port ${port}: ${reason}`,
    hint: 'Ports below 1024 may need rights. The host must be an address of this machine, such as 127.0.0.1.',
    port,
  }),
)

/** The coded error for what `listen` failed with. */
export const listenError = (error: Error & { readonly code?: unknown }, host: string, port: number): Error => {
  if (error.code === 'EADDRINUSE') return portInUse(host, port)
  if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return cannotListen(host, port, error.code)
  return error
}
