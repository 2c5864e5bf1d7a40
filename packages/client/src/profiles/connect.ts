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
  /** The name of the profile that commands use from now on. */
  current: string;
  /** unchanged: this machine was connected already, and the code is unused. */
  status: "connected" | "unchanged" | "key_added";
};

/**
 * Exchanges a code, which is read when it is needed, for keys of this device's own. Throws HubError, and errors of the file system before
 * the code is used.
 */
export async function enrolMachine(
  { profiles, url, profileName, insecureHttp }: Connection,
  {
    readCode,
    deviceName,
    isReplacing,
  }: { readCode: () => Promise<string>; deviceName: string | null; isReplacing: boolean },
): Promise<Connected> {
  const known = await profiles.find(profileName);
  const isSameHub = known?.url === url;
  if (known !== null && isSameHub && !isReplacing && (await isConnected(known))) {
    await profiles.use(profileName);
    return { profile: known, current: profileName, status: "unchanged" };
  }
  await profiles.requireWritable();
  const code = await readCode();
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
  return { profile, current: profileName, status: "connected" };
}

/**
 * Adds a key of the hub to the profile, or, unless `isNamed`, to the one with which this machine is enrolled at the same hub by another
 * address. A profile without an enrolment does not replace one with it as the current one. Throws HubError when the hub does not accept
 * the key.
 */
export async function addKey(
  { profiles, url, profileName, insecureHttp }: Connection,
  { key, isNamed }: { key: string; isNamed: boolean },
): Promise<Connected> {
  await createClient({ url, key }).limits();
  const known = await profiles.find(profileName);
  const before = known?.url === url ? known : isNamed ? null : await findEnrolled(profiles, url, key);
  const profile: Profile = before ?? {
    name: profileName,
    url,
    insecure_http: insecureHttp,
    device: null,
    keys: {},
    redaction_secret: null,
    connected_at: new Date().toISOString(),
  };
  const added = { ...profile, keys: { ...profile.keys, [scopeOf(key)]: key } };
  await profiles.save(added);
  const current = added.device === null ? await currentEnrolled(profiles) : null;
  if (current === null) await profiles.use(added.name);
  return { profile: added, current: current ?? added.name, status: "key_added" };
}

/** The profile of the hub at `url` under another address: the hub knows its device, and the key is accepted there, too. */
async function findEnrolled(profiles: Profiles, url: string, key: string): Promise<Profile | null> {
  for (const profile of await profiles.list()) {
    if (profile.device === null) continue;
    const isKnown = await isAccepted(createClient({ url, key }).devices.get(profile.device.id));
    if (isKnown && (await isAccepted(createClient({ url: profile.url, key }).limits()))) return profile;
  }
  return null;
}

async function isAccepted(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (error instanceof HubError) return false;
    throw error;
  }
}

async function currentEnrolled(profiles: Profiles): Promise<string | null> {
  const current = await profiles.current();
  const isEnrolled = (await profiles.list()).some(({ name, device }) => name === current && device !== null);
  return isEnrolled ? current : null;
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
