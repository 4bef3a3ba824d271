// haraka-constants ships no types: the return codes that hooks answer with.
declare module 'haraka-constants' {
  export const cont: number
  export const deny: number
  export const denydisconnect: number
  export const denysoft: number
  export const denysoftdisconnect: number
  export const ok: number
}
