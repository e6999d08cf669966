/**
 * A circuit in other languages, with the loop that integrates it: what the simulator is measured against. The
 * generated JavaScript is arithmetic on numbered variables, which C and Python read nearly as it stands.
 */
import { OVERLOAD, ROW, ROWS, type CircuitModel } from '@lucihub/simulation'

export interface Loop {
  readonly samples: number
  /** Samples per channel in a chunk, the buffer that is handed over. */
  readonly chunkSamples: number
  /** The sample whose probes are printed. */
  readonly witness: number
  /** s */
  readonly opTime: number
  readonly rtol: number
  readonly atol: number
  /** How often it is measured: in C ten runs each time, in Python one. */
  readonly batches: number
}

/** Runs that are measured at once: a clock of processor time ticks slower than a run. */
export const BATCH = 10

type GeneratedName = 'rhs' | 'sampled' | 'outputs' | 'calm'

/** The lines of one generated function. */
function bodyOf({ source }: CircuitModel, name: GeneratedName): string[] {
  const lines = source.split('\n')
  const begin = lines.findIndex((line) => line.startsWith(`${name}(`))
  const body = lines.slice(begin + 1, lines.indexOf('},', begin))
  if (begin < 0 || /loops|inputs|Math\.(?!abs|max)|\*\*/.test(body.join()))
    throw new Error('only sums and products are translated')
  return body
}

/**
 * A program that prints the µs of processor time of a run, as the median of batches of ten, and the probes at the witness. The
 * same work as ours: steps, their control, dense output, chunks of f32 with a column per probe, the watch for overload.
 */
export function circuitInC(
  model: CircuitModel,
  { samples, chunkSamples, witness, opTime, rtol, atol, batches }: Loop,
): string {
  const n = model.dimension
  const body = (name: GeneratedName): string =>
    bodyOf(model, name)
      .join('\n')
      .replaceAll('const ', 'const double ')
      .replaceAll('Math.abs', 'fabs')
      .replaceAll('Math.max', 'larger')
      .replaceAll(/return (true|false)/g, (_, value) => `return ${Number(value === 'true')}`)
  return `
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define N ${n}
#define CHANNELS ${model.probes.length}
#define SAMPLES ${samples}
#define CHUNK ${chunkSamples}
#define OUTPUTS ${model.outputCount}
#define EACH for (int i = 0; i < N; i++)
static const double T = ${opTime}, RTOL = ${rtol}, ATOL = ${atol};
static const double Y0[N] = {${[...model.initialState].join(', ')}};
static float *chunk, seen[CHANNELS];
static const int USED[] = {${model.usedOutputs.join(', ')}};
static unsigned char overloads[OUTPUTS];

static inline double larger(double a, double b) { return a > b ? a : b; }

static inline void rhs(const double *restrict y, double *restrict dy) {
${body('rhs')}
}
static inline void sampled(const double *restrict y, double *restrict out) {
${body('sampled')}
}
static inline void outputs(const double *restrict y, double *restrict out) {
${body('outputs')}
}
static inline int calm(const double *restrict m) {
${body('calm')}
}
static double norm(const double *v, const double *y) {
  double sum = 0;
  EACH { double e = v[i] / (ATOL + RTOL * fabs(y[i])); sum += e * e; }
  return sqrt(sum / N);
}
static double stretch(double squares) {
  double x = squares, scale = 0.9;
  for (; x < 1.0 / 1024 && scale < 10; scale *= 2) x *= 1024;
  for (; x > 1 && scale > 0.2; scale /= 2) x /= 1024;
  return larger(0.2, scale * (2.1544 + x * (422.21 + x * 1448.1)) / (1 + x * (298.56 + x * 1560)));
}
static inline void interpolate(const double *restrict m, double theta, double *restrict at) {
  const double *before = m + ${ROW.before} * N, *dense = m + ${ROW.dense} * N;
  double rest = 1 - theta;
  EACH at[i] = before[i] + theta * (dense[i] + rest * (dense[N + i] + theta * (dense[2 * N + i] + rest * dense[3 * N + i])));
}
static void run(void) {
  double m[${ROWS} * N], s[N], next[N], k1[N], k2[N], k3[N], k4[N], k5[N], k6[N], k7[N], at[N], out[CHANNELS], all[OUTPUTS];
  double *y = m, *before = m + ${ROW.before} * N, *dense = m + ${ROW.dense} * N;
  memset(overloads, 0, sizeof overloads);
  memcpy(y, Y0, sizeof Y0);
  rhs(y, k1);
  double size = norm(y, y), slope = norm(k1, y), guess = size < 1e-5 || slope < 1e-5 ? 1e-6 : 0.01 * (size / slope);
  EACH s[i] = y[i] + guess * k1[i];
  rhs(s, k2);
  EACH s[i] = k2[i] - k1[i];
  double steepest = fmax(slope, norm(s, y) / guess), fits = pow(0.01 / steepest, 0.2);
  double h = fmin(100 * guess, fits), t = 0, tStart = 0, done = 0, dt = T / SAMPLES;
  int k = 0;
  memcpy(before, y, sizeof s);
  memset(dense, 0, 4 * sizeof s);
  for (;;) {
    for (; k < SAMPLES && k * dt <= t; k++) {
      interpolate(m, (k * dt - tStart) * done, at);
      sampled(at, out);
      if (k % CHUNK == 0) {
        free(chunk);
        chunk = calloc(CHANNELS * CHUNK, sizeof *chunk);
      }
      for (int c = 0; c < CHANNELS; c++) chunk[c * CHUNK + k % CHUNK] = out[c];
      if (k == ${witness})
        for (int c = 0; c < CHANNELS; c++) seen[c] = out[c];
    }
    if (t >= T) break;
    for (int rejected = 0;; rejected = 1) {
      double remaining = T - t;
      int end = h * 1.01 >= remaining;
      double step = end ? remaining : h;
      EACH s[i] = y[i] + step * (1.0 / 5 * k1[i]);
      rhs(s, k2);
      EACH s[i] = y[i] + step * (3.0 / 40 * k1[i] + 9.0 / 40 * k2[i]);
      rhs(s, k3);
      EACH s[i] = y[i] + step * (44.0 / 45 * k1[i] - 56.0 / 15 * k2[i] + 32.0 / 9 * k3[i]);
      rhs(s, k4);
      EACH s[i] = y[i] + step * (19372.0 / 6561 * k1[i] - 25360.0 / 2187 * k2[i] + 64448.0 / 6561 * k3[i] - 212.0 / 729 * k4[i]);
      rhs(s, k5);
      EACH s[i] = y[i] + step * (9017.0 / 3168 * k1[i] - 355.0 / 33 * k2[i] + 46732.0 / 5247 * k3[i] + 49.0 / 176 * k4[i] - 5103.0 / 18656 * k5[i]);
      rhs(s, k6);
      EACH next[i] = y[i] + step * (35.0 / 384 * k1[i] + 500.0 / 1113 * k3[i] + 125.0 / 192 * k4[i] - 2187.0 / 6784 * k5[i] + 11.0 / 84 * k6[i]);
      rhs(next, k7);
      double sum = 0;
      EACH {
        double e = step * (71.0 / 57600 * k1[i] - 71.0 / 16695 * k3[i] + 71.0 / 1920 * k4[i] - 17253.0 / 339200 * k5[i] + 22.0 / 525 * k6[i] - 1.0 / 40 * k7[i]);
        e /= ATOL + RTOL * fmax(fabs(y[i]), fabs(next[i]));
        sum += e * e;
      }
      double squares = sum / N;
      if (squares <= 1) {
        EACH {
          double difference = next[i] - y[i], bend = step * k1[i] - difference;
          dense[i] = difference;
          dense[N + i] = bend;
          dense[2 * N + i] = difference - step * k7[i] - bend;
          dense[3 * N + i] = step * (-12715105075.0 / 11282082432.0 * k1[i] + 87487479700.0 / 32700410799.0 * k3[i] -
            10690763975.0 / 1880347072.0 * k4[i] + 701980252875.0 / 199316789632.0 * k5[i] -
            1453857185.0 / 822651844.0 * k6[i] + 69997945.0 / 29380423.0 * k7[i]);
        }
        double factor = fmin(rejected ? 1 : 10, stretch(squares));
        memcpy(before, y, sizeof s);
        memcpy(y, next, sizeof s);
        memcpy(k1, k7, sizeof s);
        tStart = t;
        t = end ? T : t + step;
        done = 1 / step;
        h = end ? larger(h, step * factor) : step * factor;
        break;
      }
      h = step * (squares < INFINITY ? stretch(squares) : 0.1);
    }
    if (calm(m)) continue;
    for (int look = 1; look <= 4; look++) {
      interpolate(m, look / 4.0, at);
      outputs(at, all);
      for (unsigned i = 0; i < sizeof USED / sizeof *USED; i++)
        if (fabs(all[USED[i]]) > ${OVERLOAD}) overloads[USED[i]] = 1;
    }
  }
}
static int ascending(const void *a, const void *b) {
  double d = *(const double *)a - *(const double *)b;
  return (d > 0) - (d < 0);
}
int main(void) {
  double us[${batches}];
  for (int batch = -1; batch < ${batches}; batch++) {
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    for (int i = 0; i < ${BATCH}; i++) run();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    if (batch >= 0) us[batch] = ((b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) / 1e3) / ${BATCH};
  }
  qsort(us, ${batches}, sizeof *us, ascending);
  printf("%f", us[${batches} / 2]);
  for (int c = 0; c < CHANNELS; c++) printf(" %.9g", seen[c]);
}
`
}

/** The same for scipy's RK45, which is the same method with its own control. */
export function circuitInPython(model: CircuitModel, { samples, witness, opTime, rtol, atol, batches }: Loop): string {
  const python = (name: 'rhs' | 'sampled'): string[] =>
    bodyOf(model, name).map((line) => line.replace('const ', '').replace(/;$/, ''))
  const body = python('rhs')
  const sampled = python('sampled').filter((line) => !line.startsWith('out['))
  const outputs = python('sampled').flatMap((line) =>
    line.startsWith('out[') ? [line.replace(/^out\[\d+\] = /, '')] : [],
  )
  const derivatives = body.filter((line) => line.startsWith('dy[')).map((line) => line.replace(/^dy\[\d+\] = /, ''))
  const values = body.filter((line) => !line.startsWith('dy['))
  return `
import time
import numpy
from scipy.integrate import solve_ivp
def rhs(t, y):
${values.map((line) => `    ${line}`).join('\n')}
    return [${derivatives.join(', ')}]
at = numpy.arange(${samples}) * (${opTime} / ${samples})
took = []
for _ in range(${batches}):
    begun = time.process_time()
    solution = solve_ivp(rhs, (0, ${opTime}), [${[...model.initialState].join(', ')}], method='RK45', t_eval=at, rtol=${rtol}, atol=${atol})
    took.append((time.process_time() - begun) * 1e6)
y = solution.y[:, ${witness}]
${sampled.join('\n')}
print(sorted(took)[len(took) // 2], ${outputs.join(', ')})
`
}
