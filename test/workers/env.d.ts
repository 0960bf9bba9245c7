declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import('../../workers/dev/index.ts')
  }
}
