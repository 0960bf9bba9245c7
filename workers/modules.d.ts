/** mesh.toml travels in the bundle as text; see [[rules]] in wrangler.toml. */
declare module '*.toml' {
  const text: string
  export default text
}
