// The filter of system calls for `network: none`, as bubblewrap takes it: classic BPF over `struct seccomp_data` (seccomp(2), linux/filter.h).
// Sockets are refused but for those of this machine's files (AF_UNIX) and of the kernel (AF_NETLINK, by which programs list interfaces); so is
// io_uring, by which a socket could be made without the call. What is called by the numbers of another architecture is refused as a whole.

interface Architecture {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number
  /** Number of socket(2). */
  readonly socket: number
}

const architectures: Readonly<Record<string, Architecture>> = {
  x64: { audit: 0xc000003e, socket: 41 },
  arm64: { audit: 0xc00000b7, socket: 198 },
}

const load = 0x20
const jumpIfEqual = 0x15
const jumpIfAtLeast = 0x35
const end = 0x06
const allow = 0x7fff0000
const refuse = 0x00050000
const errno = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 }
const family = { unix: 1, netlink: 16 }
/** The same number in each architecture that came after 2019. */
const ioUringSetup = 425
/** From here on x64 has the calls of x32. */
const x32 = 0x40000000

/** Undefined for an architecture of which the numbers are not known here. */
export function withoutSockets(arch: string = process.arch): Buffer | undefined {
  const found = architectures[arch]
  if (found === undefined) return undefined
  // Jumps count the instructions that are left out.
  const program: readonly (readonly [code: number, yes: number, no: number, value: number])[] = [
    [load, 0, 0, 4],
    [jumpIfEqual, 1, 0, found.audit],
    [end, 0, 0, refuse | errno.ENOSYS],
    [load, 0, 0, 0],
    [jumpIfAtLeast, 7, 0, x32],
    [jumpIfEqual, 5, 0, ioUringSetup],
    [jumpIfEqual, 0, 3, found.socket],
    [load, 0, 0, 16],
    [jumpIfEqual, 1, 0, family.unix],
    [jumpIfEqual, 0, 3, family.netlink],
    [end, 0, 0, allow],
    [end, 0, 0, refuse | errno.EPERM],
    [end, 0, 0, refuse | errno.ENOSYS],
    [end, 0, 0, refuse | errno.EAFNOSUPPORT],
  ]
  const bytes = Buffer.alloc(program.length * 8)
  for (const [index, [code, yes, no, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(yes, index * 8 + 2)
    bytes.writeUInt8(no, index * 8 + 3)
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4)
  }
  return bytes
}
