import { hostname } from "node:os";
import { createClient } from "../sdk/create-client.ts";
import { HubError } from "../sdk/hub-error.ts";
import type { Profile, Profiles } from "./profiles.ts";

export type Connection = {
  profiles: Profiles;
  /** Checked by readHubUrl. */
  url: string;
  profileName: string;
  insecureHttp: boolean;
};

export type Connected = {
  profile: Profile;
  /** unchanged: this machine was connected already, and the code is unused. */
  status: "connected" | "unchanged" | "key_added";
};

/** Exchanges a code for keys of this device's own. Throws HubError, and errors of the file system before the code is used. */
export async function enrolMachine(
  { profiles, url, profileName, insecureHttp }: Connection,
  { code, deviceName, isReplacing }: { code: string; deviceName: string | null; isReplacing: boolean },
): Promise<Connected> {
  const known = await profiles.find(profileName);
  const isSameHub = known?.url === url;
  if (known !== null && isSameHub && !isReplacing && (await isConnected(known)))
    return { profile: known, status: "unchanged" };
  await profiles.requireWritable();
  const host = hostname();
  const enrolment = await createClient({ url, key: null }).devices.enrol({
    code,
    type: "local",
    name: deviceName ?? host,
    hostname: host,
    os: process.platform,
    arch: process.arch,
  });
  const { device, key, read_key, redaction_secret } = enrolment;
  const admin = isSameHub ? known.keys.admin : undefined;
  const profile: Profile = {
    name: profileName,
    url,
    insecure_http: insecureHttp,
    device: { id: device.id, name: device.name },
    keys: {
      ingest: key,
      ...(read_key === undefined ? {} : { read: read_key }),
      ...(admin === undefined ? {} : { admin }),
    },
    redaction_secret,
    connected_at: new Date().toISOString(),
  };
  await profiles.save(profile);
  await profiles.use(profileName);
  return { profile, status: "connected" };
}

/** Adds a key of the hub to the profile. Throws HubError when the hub does not accept the key. */
export async function addKey(
  { profiles, url, profileName, insecureHttp }: Connection,
  key: string,
): Promise<Connected> {
  await createClient({ url, key }).limits();
  const known = await profiles.find(profileName);
  const before = known?.url === url ? known : null;
  const profile: Profile = {
    name: profileName,
    url,
    insecure_http: insecureHttp,
    device: before?.device ?? null,
    keys: { ...before?.keys, [scopeOf(key)]: key },
    redaction_secret: before?.redaction_secret ?? null,
    connected_at: before?.connected_at ?? new Date().toISOString(),
  };
  await profiles.save(profile);
  await profiles.use(profileName);
  return { profile, status: "key_added" };
}

/** Keys of the hub's environment have any form, and may do everything. */
function scopeOf(key: string): "ingest" | "read" | "admin" {
  const [, scope] = /^wharf_(ingest|read)_/.exec(key) ?? [];
  return scope === "ingest" || scope === "read" ? scope : "admin";
}

/** False when the hub has revoked the device's key. Throws HubError when it does not answer. */
async function isConnected({ url, keys }: Profile): Promise<boolean> {
  if (keys.ingest === undefined) return false;
  try {
    await createClient({ url, key: keys.ingest }).limits();
    return true;
  } catch (error) {
    if (error instanceof HubError && error.status === 401) return false;
    throw error;
  }
}
