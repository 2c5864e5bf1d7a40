/** A shell script, as text: part of the bundle. */
declare module "*.sh" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: what an import with the type "text" gives.
  export default text;
}
