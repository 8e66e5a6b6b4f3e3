// Where a door stands: at an address of the network, or at a UNIX socket, which is a file.

export interface NetworkAddress {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

export interface SocketFile {
  /** Absolute. */
  readonly path: string
  /** Permissions: who may write may connect. */
  readonly mode: number
}

export type ListenAddress = NetworkAddress | SocketFile

export function isSocketFile(address: ListenAddress): address is SocketFile {
  return 'path' in address
}
