import type { ComponentType } from "preact";
import type { PagePath } from "../../served/pages.ts";

export type PageProps = { params: Readonly<Record<string, string>> };

export type Page = {
  title: string;
  /** Loads the page's own script. */
  load: () => Promise<ComponentType<PageProps>>;
};

export const PAGES: Readonly<Record<PagePath, Page>> = {
  "/": { title: "Now", load: async () => (await import("../pages/now/now-page.tsx")).NowPage },
  "/sessions": {
    title: "Sessions",
    load: async () => (await import("../pages/sessions/sessions-page.tsx")).SessionsPage,
  },
  "/sessions/:id": {
    title: "Session",
    load: async () => (await import("../pages/session/session-page.tsx")).SessionPage,
  },
  "/search": {
    title: "Search",
    load: async () => (await import("../pages/search/search-page.tsx")).SearchPage,
  },
  "/usage": { title: "Usage", load: async () => (await import("../pages/usage/usage-page.tsx")).UsagePage },
  "/timeline": {
    title: "Timeline",
    load: async () => (await import("../pages/timeline/timeline-page.tsx")).TimelinePage,
  },
  "/repositories": {
    title: "Repositories",
    load: async () => (await import("../pages/repositories/repositories-page.tsx")).RepositoriesPage,
  },
  "/repositories/:id": {
    title: "Repository",
    load: async () => (await import("../pages/repositories/repository-page.tsx")).RepositoryPage,
  },
  "/devices": {
    title: "Devices",
    load: async () => (await import("../pages/devices/devices-page.tsx")).DevicesPage,
  },
  "/devices/:id": {
    title: "Device",
    load: async () => (await import("../pages/devices/device-page.tsx")).DevicePage,
  },
  "/jobs": { title: "Jobs", load: async () => (await import("../pages/jobs/jobs-page.tsx")).JobsPage },
  "/jobs/:id": { title: "Job", load: async () => (await import("../pages/jobs/job-page.tsx")).JobPage },
  "/ingest": {
    title: "Ingest",
    load: async () => (await import("../pages/ingest/ingest-page.tsx")).IngestPage,
  },
  "/keys": { title: "Keys", load: async () => (await import("../pages/keys/keys-page.tsx")).KeysPage },
  "/prices": {
    title: "Prices",
    load: async () => (await import("../pages/prices/prices-page.tsx")).PricesPage,
  },
  "/storage": {
    title: "Storage",
    load: async () => (await import("../pages/storage/storage-page.tsx")).StoragePage,
  },
  "/setup": { title: "Setup", load: async () => (await import("../pages/setup/setup-page.tsx")).SetupPage },
  "/sign-in": {
    title: "Sign in",
    load: async () => (await import("../pages/sign-in/sign-in-page.tsx")).SignInPage,
  },
  "/dev/gallery": {
    title: "Gallery",
    load: async () => (await import("../pages/gallery/gallery-page.tsx")).GalleryPage,
  },
};

/** The pages of the menu, with the second key after `g`. */
export const MENU: readonly { href: PagePath; key: string; isMinor?: boolean }[] = [
  { href: "/", key: "n" },
  { href: "/sessions", key: "s" },
  { href: "/search", key: "f" },
  { href: "/timeline", key: "t" },
  { href: "/usage", key: "u" },
  { href: "/repositories", key: "r" },
  { href: "/devices", key: "d" },
  { href: "/jobs", key: "j", isMinor: true },
  { href: "/ingest", key: "i", isMinor: true },
  { href: "/storage", key: "o", isMinor: true },
  { href: "/keys", key: "k", isMinor: true },
  { href: "/prices", key: "p", isMinor: true },
  { href: "/setup", key: "e", isMinor: true },
];
