import { z } from "zod";

export const deviceTypeSchema = z.enum(["local", "remote"]);
export type DeviceType = z.infer<typeof deviceTypeSchema>;

/** What stands in a column until a device names the real value; it never replaces a real one. */
export const UNKNOWN_DEVICE_NAME = "unknown-device";
export const UNKNOWN_LOCAL_PATH = "unknown";
export const DEFAULT_DEVICE_TYPE: DeviceType = "local";
