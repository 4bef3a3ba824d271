// Bounds on the structure of a mail. Beyond them its content is not read in part: it is unreadable, and the mail's rules
// fall back. Each is far above what mail programs write, and keeps time and memory in proportion to the mail.

/** Parts of a mail, those of attached mails included. Programs that send albums or archives stay below 300. */
export const PARTS = 1000
/** Multiparts and attached mails, one in the other. A thread of forwards reaches ten. */
export const DEPTH = 64
/** Multiparts of which the boundary has to be guessed: each costs another look at all that is in it. */
export const GUESSES = 5
/** Bytes of the Content-* fields of one part. A file name of 255 bytes takes 800 in its longest coding. */
export const PART_FIELDS_BYTES = 64 * 1024
/** Parameters of one field. */
export const PARAMETERS = 200
/** A file system takes 255. */
export const NAME_CHARACTERS = 4096
/** Of all file names of a mail. */
export const NAMES_CHARACTERS = 256 * 1024
/** Bytes that encoded attached mails may have when decoded, in proportion to the mail: each coding shrinks them. */
export const DECODED_SHARE = 1.5
/** For small mails. */
export const DECODED_BYTES = 1024 * 1024
/** How often one text is read where its fields contradict each other. */
export const READINGS = 4
