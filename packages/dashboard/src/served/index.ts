export { type Asset, buildDashboard, type Dashboard } from "./build.ts";
export { GALLERY_PATH, PAGE_PATHS } from "./pages.ts";
