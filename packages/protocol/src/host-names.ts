/** Other names of a host, under which its repositories are the same. */
const USUAL_NAMES: Readonly<Record<string, string>> = {
  "ssh.github.com": "github.com",
  "www.github.com": "github.com",
  "www.gitlab.com": "gitlab.com",
  "www.bitbucket.org": "bitbucket.org",
};
/** GitLab, Bitbucket and others answer ssh on port 443 under this name. */
const SSH_OVER_443 = /^altssh\.(?=.*\.)/;
const AZURE = "dev.azure.com";
const AZURE_SSH = new Set(["ssh.dev.azure.com", "vs-ssh.visualstudio.com"]);
const AZURE_FORMER = ".visualstudio.com";

/** `host/path` under the host's usual name. */
export function canonicalPlace(host: string, path: string): string {
  if (host === AZURE) return azurePlace(path.split("/"));
  if (AZURE_SSH.has(host)) return azureSshPlace(host, path);
  if (host.endsWith(AZURE_FORMER)) return azureFormerPlace(host, path);
  return `${USUAL_NAMES[host] ?? host.replace(SSH_OVER_443, "")}/${path}`;
}

/** A repository that is named as its project may be addressed without it. */
function azurePlace([organization, ...rest]: string[]): string {
  const [marker, repository] = rest;
  const isShort = marker === "_git" && rest.length === 2;
  return [AZURE, organization, ...(isShort ? [repository] : []), ...rest].join("/");
}

/** v3/organization/project/repository */
function azureSshPlace(host: string, path: string): string {
  const [version, organization, project, repository, ...rest] = path.split("/");
  if (version !== "v3" || repository === undefined || rest.length > 0) return `${host}/${path}`;
  return [AZURE, organization, project, "_git", repository].join("/");
}

/** organization.visualstudio.com/[DefaultCollection/][project/]_git/repository */
function azureFormerPlace(host: string, path: string): string {
  const organization = host.slice(0, -AZURE_FORMER.length);
  const segments = path.split("/");
  if (segments[0]?.toLowerCase() === "defaultcollection") segments.shift();
  return segments.includes("_git") ? azurePlace([organization, ...segments]) : `${host}/${path}`;
}
