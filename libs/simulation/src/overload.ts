/**
 * An output is overloaded beyond this, machine units. The hair above 1 keeps a signal that was scaled to exactly full
 * scale from tripping on integration error; the devices' own threshold is not published.
 */
export const OVERLOAD = 1.002
