import type { JSX } from "preact";
import { useState } from "preact/hooks";

const NAME_CHARACTERS_MAX = 200;

/** A form whose only field is a name. */
export function NameForm({
  name: initial = "",
  placeholder,
  action,
  onSubmit,
}: {
  name?: string;
  placeholder?: string;
  /** The text of the button, such as "Save". */
  action: string;
  onSubmit: (name: string) => void;
}): JSX.Element {
  const [name, setName] = useState(initial);
  return (
    <form
      class="one-field"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(name);
      }}
    >
      <label>
        Name
        <input
          name="name"
          required
          maxLength={NAME_CHARACTERS_MAX}
          placeholder={placeholder}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        {action}
      </button>
    </form>
  );
}
