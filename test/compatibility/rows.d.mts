export interface Planned {
  readonly id: string
}
export function allRows(): Planned[]
export function fastRows(): Planned[]
