// Types for haraka-constants, which ships none: the return codes of hooks.
declare module 'haraka-constants' {
  export const cont: number
  export const deny: number
  export const denydisconnect: number
  export const denysoft: number
  export const denysoftdisconnect: number
  export const ok: number
}
