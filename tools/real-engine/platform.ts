/** Which prebuilt llama.cpp a machine needs: node-llama-cpp keeps one package per platform, as optional dependencies. */

/** The CPU builds, and on Apple silicon, which has no other, the one with Metal. By `process.platform` and `process.arch`. */
const PREBUILT: Readonly<Record<string, string>> = {
  'linux-x64': '@node-llama-cpp/linux-x64',
  'linux-arm64': '@node-llama-cpp/linux-arm64',
  'darwin-arm64': '@node-llama-cpp/mac-arm64-metal',
  'darwin-x64': '@node-llama-cpp/mac-x64',
  'win32-x64': '@node-llama-cpp/win-x64',
}

/** The package's name; undefined where there is none. */
export function prebuiltPackage(platform: string, arch: string): string | undefined {
  return PREBUILT[`${platform}-${arch}`]
}
