/** Connections to HTTP upstreams, one pool an origin, shared by all wires; owned by the assembly. */
export class HttpPools {
  async close(): Promise<void> {}
}
