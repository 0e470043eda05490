/** Bars for and against in one axis of log-odds. */

/** Log-odds for and against, each 0 or more. */
export interface Sides {
  adds: number;
  takes: number;
}

/** A bar in per cent of the axis. */
export interface Bar {
  left: number;
  width: number;
}

/** The axis that holds all sides: where zero lies, and how much one unit of log-odds is, in per cent. */
export interface Axis {
  zero: number;
  unit: number;
}

export function axisOf(all: readonly Sides[]): Axis {
  const low = Math.max(0, ...all.map((each) => each.takes));
  const high = Math.max(0, ...all.map((each) => each.adds));
  const unit = low + high > 0 ? 100 / (low + high) : 0;
  return { zero: low + high > 0 ? low * unit : 50, unit };
}

/** A sum as sides: a prior speaks for or against. */
export function sidesOf(value: number): Sides {
  return { adds: Math.max(0, value), takes: Math.max(0, -value) };
}

/** The bar to the right of zero. */
export function addsBar({ adds }: Sides, axis: Axis): Bar {
  return { left: axis.zero, width: adds * axis.unit };
}

/** The bar to the left of zero. */
export function takesBar({ takes }: Sides, axis: Axis): Bar {
  return { left: axis.zero - takes * axis.unit, width: takes * axis.unit };
}
