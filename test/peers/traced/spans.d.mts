export interface Parent {
  readonly traceId: string
  /** Undefined of a root. */
  readonly spanId: string | undefined
}

export function parentOf(traceparent: string | string[] | undefined): Parent | undefined
export function begin(
  service: string,
  name: string,
  kind: number,
  parent: Parent,
  link?: Parent,
): { readonly traceparent: string; readonly context: Parent; end(collector: string): Promise<void> }
