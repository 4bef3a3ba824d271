// Settings for every use of the AWS SDK in a process. Doesn't load it.

/**
 * The SDK's own switch. Its warning is about versions of the SDK that need a newer Node.js; this package pins one that
 * doesn't, and the warning would stand in each command's output.
 */
const SWITCH = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'

/** To be called before the first client is made. A value that is set already stays. */
export function silenceNodeVersionWarning(env: NodeJS.ProcessEnv = process.env): void {
  env[SWITCH] ??= 'true'
}
