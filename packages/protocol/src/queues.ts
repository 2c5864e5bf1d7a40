/** The queue of what the hub does by itself, by the clock. Lists for people leave it out until they are asked for it. */
export const HOUSEKEEPING_QUEUE = "recurring";
