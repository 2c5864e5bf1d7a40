/** The addresses of the pages, as patterns of the server's routes. Each serves the same document; the browser picks the page. */
export const PAGE_PATHS = [
  "/",
  "/sessions",
  "/sessions/:id",
  "/search",
  "/usage",
  "/timeline",
  "/repositories",
  "/repositories/:id",
  "/devices",
  "/devices/:id",
  "/jobs",
  "/jobs/:id",
  "/ingest",
  "/keys",
  "/prices",
  "/storage",
  "/setup",
  "/sign-in",
] as const;

/** Every block in every state; served in development only. */
export const GALLERY_PATH = "/dev/gallery";

export type PagePath = (typeof PAGE_PATHS)[number] | typeof GALLERY_PATH;
