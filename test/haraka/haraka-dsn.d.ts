// haraka-dsn ships no types: the objects that a plugin may refuse with.
declare module 'haraka-dsn' {
  type Make = (message?: string | string[], code?: number) => object
  const DSN: Record<'no_such_user' | 'mbox_full' | 'addr_null_mx' | 'addr_rcpt_ok' | 'unspecified', Make> & {
    create(code: number | string, message: string | string[], subject?: number, detail?: number): object
  }
  export default DSN
}
