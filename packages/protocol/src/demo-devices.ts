/** Of the devices of `wharf demo load`, which are no machines of anyone. */
export const DEMO_DEVICE_IDS = {
  laptop: "demo-laptop",
  desktop: "demo-desktop",
  server: "demo-server",
} as const;
