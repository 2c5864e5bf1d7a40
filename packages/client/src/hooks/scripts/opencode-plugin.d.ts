/** The plugin of opencode, as text: part of the bundle. */
declare const text: string;
// biome-ignore lint/style/noDefaultExport: what an import with the type "text" gives.
export default text;
