import type { JSX } from "preact";
import { deviceNames, type Places, workspaceNames } from "../app/use-places.ts";
import { type Option, Select } from "./select.tsx";
import { repositoryName } from "./session-parts.tsx";

/** The choice of a repository and a device. */
export function PlaceFilters({
  places,
  workspaceId,
  deviceId,
  onChange,
}: {
  places: Places | null;
  workspaceId: string;
  deviceId: string;
  onChange: (changes: Readonly<Record<string, string>>) => void;
}): JSX.Element {
  return (
    <>
      <Select
        label="Repository"
        any="All repositories"
        value={workspaceId}
        options={options(places && workspaceNames(places))}
        onChange={(workspace_id) => onChange({ workspace_id })}
      />
      <Select
        label="Device"
        any="All devices"
        value={deviceId}
        options={options(places && deviceNames(places))}
        onChange={(device_id) => onChange({ device_id })}
      />
    </>
  );
}

function options(names: ReadonlyMap<string, string> | null): Option[] {
  return [...(names ?? [])].map(([value, name]) => ({ value, text: repositoryName(name) }));
}
