/** When a device may be given runs, as SQL over a row `d` of `device`. Time is Postgres' own, in the zone of the window. */

const CLOCK = '(now() AT TIME ZONE d.offered_zone)::time'

/** True while no operator drains it and the time of day lies in its window; a window may go over midnight. */
export const OFFERED = `(NOT d.drained AND (d.offered_from IS NULL OR CASE WHEN d.offered_from < d.offered_until
    THEN ${CLOCK} >= d.offered_from AND ${CLOCK} < d.offered_until
    ELSE ${CLOCK} >= d.offered_from OR ${CLOCK} < d.offered_until END))`
