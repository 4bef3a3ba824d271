// Limits on the structure of a mail. Beyond one the whole content is unreadable: it is never read in part.
// Each is far above the values of real mail, and keeps time and memory in proportion to the mail's size.

/** Parts of a mail, those of attached mails included. Programs that send albums or archives stay below 300. */
export const PARTS = 1000
/** Levels of multiparts and attached mails. A chain of forwarded mails reaches ten. */
export const DEPTH = 64
/** Multiparts whose boundary must be guessed: each costs another pass over its body. */
export const GUESSES = 5
/** Headers that end at two places, depending on the program: each costs another pass over its body. */
export const HEADER_ENDS = 100
/** Bytes of all such bodies, as a multiple of the mail's size. */
export const TWICE_READ_SHARE = 2
/** Bytes of the Content-* fields of one part. A file name of 255 bytes takes 800 in its longest encoding. */
export const PART_FIELDS_BYTES = 64 * 1024
/** Parameters of one field. */
export const PARAMETERS = 200
/** Characters of one file name. File systems accept 255 bytes. */
export const NAME_CHARACTERS = 4096
/** Characters of all file names of a mail. */
export const NAMES_CHARACTERS = 256 * 1024
/**
 * Decoded bytes of all encoded attached mails, as a multiple of the mail's size. Each level of decoding makes them
 * smaller.
 */
export const DECODED_SHARE = 1.5
/** The same limit for small mails, in bytes. */
export const DECODED_BYTES = 1024 * 1024
/** Bytes of RTF in a mail, decompressed: eight times as much as its text, as programs write it. */
export const RTF_BYTES = 4 * 1024 * 1024
/** Readings of one text where its fields contradict each other. */
export const READINGS = 4
