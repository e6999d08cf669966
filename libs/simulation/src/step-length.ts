/** Step control: by how much the length of a step changes, for steps made one by one and for generated sweeps. */

const SAFETY = 0.9
/** Bounds of the change of the step length from one step to the next. */
const SHRINK = 0.2
export const GROW = 10
const INTERVAL = 2 ** -10

/**
 * By how much to change a step whose error had this square: its tenth root. A rational function, as a step may be a
 * hundredth longer or shorter: it departs by less than 0.7 % from the root on the interval that arguments are brought to by
 * powers of 2 ** 10, takes a sixth of the time of logarithms, and is the same on every engine.
 */
export function stretch(squares: number): number {
  let x = squares
  let scale = SAFETY
  for (; x < INTERVAL && scale < GROW; scale *= 2) x /= INTERVAL
  for (; x > 1 && scale > SHRINK; scale /= 2) x *= INTERVAL
  return Math.max(SHRINK, (scale * (2.1544 + x * (422.21 + x * 1448.1))) / (1 + x * (298.56 + x * 1560)))
}
