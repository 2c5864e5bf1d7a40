import type { JSX } from "preact";
import type { Places } from "../app/use-places.ts";
import { Select } from "./select.tsx";
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
        options={(places?.workspaces ?? []).map(({ id, display_name }) => ({
          value: id,
          text: repositoryName(display_name),
        }))}
        onChange={(workspace_id) => onChange({ workspace_id })}
      />
      <Select
        label="Device"
        any="All devices"
        value={deviceId}
        options={(places?.devices ?? []).map(({ id, name }) => ({ value: id, text: name }))}
        onChange={(device_id) => onChange({ device_id })}
      />
    </>
  );
}
