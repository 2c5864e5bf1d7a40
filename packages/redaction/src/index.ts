export { countMarkers, createMarker, MARKERS, type Marker } from "./marker.ts";
export {
  createRedactor,
  type RedactionCounts,
  RedactionTimeError,
  type Redactor,
  type RedactorOptions,
} from "./redactor.ts";
export { restOfSecret } from "./rest-of-secret.ts";
export { RULES_VERSION, SECRET_RULES, type SecretRule } from "./rules.ts";
