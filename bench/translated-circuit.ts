/**
 * A circuit in other languages, with the loop that integrates it: what the simulator is measured against. The
 * generated JavaScript is arithmetic on numbered variables, which C and Python read nearly as it stands.
 */
import type { CircuitModel } from '@lucihub/simulation'

export interface Loop {
  readonly samples: number
  /** The sample whose probes are printed. */
  readonly witness: number
  /** s */
  readonly opTime: number
  readonly rtol: number
  readonly atol: number
  readonly repeats: number
}

/** The lines of one generated function. */
function bodyOf({ source }: CircuitModel, name: 'rhs' | 'sampled'): string[] {
  const lines = source.split('\n')
  const begin = lines.findIndex((line) => line.startsWith(`${name}(`))
  const body = lines.slice(begin + 1, lines.indexOf('},', begin))
  if (begin < 0 || /loops|clip|Math|\*\*/.test(body.join())) throw new Error('only sums and products are translated')
  return body
}

/** A program that prints the fewest µs of a run and the probes at the witness. The same steps, control and dense output as ours. */
export function circuitInC(model: CircuitModel, { samples, witness, opTime, rtol, atol, repeats }: Loop): string {
  const n = model.dimension
  const body = (name: 'rhs' | 'sampled'): string => bodyOf(model, name).join('\n').replaceAll('const ', 'const double ')
  return `
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#define N ${n}
#define CHANNELS ${model.probes.length}
#define SAMPLES ${samples}
#define EACH for (int i = 0; i < N; i++)
static const double T = ${opTime}, RTOL = ${rtol}, ATOL = ${atol};
static const double Y0[N] = {${[...model.initialState].join(', ')}};
static double results[SAMPLES * CHANNELS];

static inline void rhs(const double *restrict y, double *restrict dy) {
${body('rhs')}
}
static inline void sampled(const double *restrict y, double *restrict out) {
${body('sampled')}
}
static double norm(const double *v, const double *y) {
  double sum = 0;
  EACH { double e = v[i] / (ATOL + RTOL * fabs(y[i])); sum += e * e; }
  return sqrt(sum / N);
}
static void run(void) {
  double y[N], s[N], next[N], before[N], k1[N], k2[N], k3[N], k4[N], k5[N], k6[N], k7[N], first[N], dense[4 * N], at[N];
  memcpy(y, Y0, sizeof y);
  rhs(y, k1);
  double size = norm(y, y), slope = norm(k1, y), guess = size < 1e-5 || slope < 1e-5 ? 1e-6 : 0.01 * (size / slope);
  EACH s[i] = y[i] + guess * k1[i];
  rhs(s, k2);
  EACH s[i] = k2[i] - k1[i];
  double steepest = fmax(slope, norm(s, y) / guess), fits = pow(0.01 / steepest, 0.2);
  double h = fmin(100 * guess, fits), t = 0, tStart = 0, done = 0, dt = T / SAMPLES;
  int k = 0;
  for (;;) {
    int ready = 0;
    for (; k < SAMPLES && k * dt <= t; k++) {
      if (done == 0) memcpy(at, y, sizeof at);
      else {
        if (!ready) {
          EACH {
            double difference = y[i] - before[i], bend = done * first[i] - difference;
            dense[4 * i] = difference;
            dense[4 * i + 1] = bend;
            dense[4 * i + 2] = difference - done * k1[i] - bend;
            dense[4 * i + 3] = done * (-12715105075.0 / 11282082432.0 * first[i] + 87487479700.0 / 32700410799.0 * k3[i] -
              10690763975.0 / 1880347072.0 * k4[i] + 701980252875.0 / 199316789632.0 * k5[i] -
              1453857185.0 / 822651844.0 * k6[i] + 69997945.0 / 29380423.0 * k1[i]);
          }
          ready = 1;
        }
        double theta = (k * dt - tStart) / done, rest = 1 - theta;
        EACH at[i] = before[i] + theta * (dense[4 * i] + rest * (dense[4 * i + 1] + theta * (dense[4 * i + 2] + rest * dense[4 * i + 3])));
      }
      sampled(at, results + k * CHANNELS);
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
      double error = sqrt(sum / N);
      if (error <= 1) {
        double factor = fmin(rejected ? 1 : 10, fmax(0.2, 0.9 * pow(error, -0.2)));
        memcpy(before, y, sizeof y);
        memcpy(y, next, sizeof y);
        memcpy(first, k1, sizeof k1);
        memcpy(k1, k7, sizeof k1);
        tStart = t;
        t = end ? T : t + step;
        done = step;
        h = end ? fmax(h, step * factor) : step * factor;
        break;
      }
      h = step * (error < INFINITY ? fmax(0.2, 0.9 * pow(error, -0.2)) : 0.1);
    }
  }
}
int main(void) {
  double fastest = INFINITY;
  for (int i = 0; i < 2 * ${repeats}; i++) {
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    run();
    clock_gettime(CLOCK_MONOTONIC, &b);
    fastest = fmin(fastest, (b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) / 1e3);
  }
  printf("%f", fastest);
  for (int c = 0; c < CHANNELS; c++) printf(" %.17g", results[${witness} * CHANNELS + c]);
}
`
}

/** The same for scipy's RK45, which is the same method with its own control. */
export function circuitInPython(model: CircuitModel, { samples, witness, opTime, rtol, atol, repeats }: Loop): string {
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
for _ in range(${repeats}):
    begun = time.perf_counter()
    solution = solve_ivp(rhs, (0, ${opTime}), [${[...model.initialState].join(', ')}], method='RK45', t_eval=at, rtol=${rtol}, atol=${atol})
    took.append((time.perf_counter() - begun) * 1e6)
y = solution.y[:, ${witness}]
${sampled.join('\n')}
print(min(took), ${outputs.join(', ')})
`
}
