export interface Side {
  readonly result: string
  readonly detail: string
}
export type Cell = string | { readonly direct: string; readonly gateway: string }
export interface Row {
  readonly id: string
  readonly cells: Readonly<Record<string, Cell>>
}
export interface Restart {
  readonly title: string
  readonly clients: number
  readonly wentOn: number
  readonly detail?: string
}
export interface Table {
  readonly restart: Readonly<Record<string, Restart>>
  readonly rows: readonly Row[]
}
export function cellOf(sides: { readonly direct: Side; readonly gateway: Side }): Cell
export function verdict(cell: Cell | undefined): string
export function worse(committed: Table, rows: readonly Row[]): string[]
export function stopped(committed: Table, restart: Table['restart']): string[]
export function asJson(table: Table): string
export function asMarkdown(table: Table): string
