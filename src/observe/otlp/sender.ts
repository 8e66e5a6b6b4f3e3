// One request to a collector, and what its answer means (OTLP specification 1.x, "OTLP/HTTP Response", "OTLP/gRPC Response").

/** `again`: it may be taken later, unchanged. */
export type Sent =
  | { readonly kind: 'taken'; readonly answer: Uint8Array | undefined }
  | { readonly kind: 'again'; readonly reason: string; readonly afterMs: number | undefined }
  | { readonly kind: 'refused'; readonly reason: string }

export interface OtlpSender {
  /** Never rejects. Ends early, as `again`, where the signal ends. */
  send(body: Uint8Array, signal: AbortSignal): Promise<Sent>
  close(): Promise<void>
}
