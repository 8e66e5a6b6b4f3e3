// Where a gateway stands unless its configuration says otherwise (`listen`, `admin.listen`).
export const defaultUrl = 'http://127.0.0.1:4280/mcp'
export const defaultAdminUrl = 'http://127.0.0.1:4281'
