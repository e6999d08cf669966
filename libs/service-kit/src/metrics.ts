/** Metrics in Prometheus' default registry. Asking twice for a name gives the same metric, so services can start twice in one test. */
import { Counter, Gauge, Histogram, register } from 'prom-client'
import type { BusObserver } from '@lucihub/messaging'

/** Counts up. Name it `lucihub_<what>_total`. */
export function counter<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Counter<L> {
  return (register.getSingleMetric(name) as Counter<L> | undefined) ?? new Counter({ name, help, labelNames: labels })
}

/** Goes up and down. */
export function gauge<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Gauge<L> {
  return (register.getSingleMetric(name) as Gauge<L> | undefined) ?? new Gauge({ name, help, labelNames: labels })
}

/** A distribution, by default of seconds from 1 ms to 30 s. */
export function histogram<L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
): Histogram<L> {
  const buckets = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]
  return (
    (register.getSingleMetric(name) as Histogram<L> | undefined) ??
    new Histogram({ name, help, labelNames: labels, buckets })
  )
}

/** Makes metrics of what the bus tells. */
export function busMetrics(): BusObserver {
  const messages = counter('lucihub_bus_messages_total', 'Messages handled, by subject and outcome', [
    'kind',
    'subject',
    'outcome',
  ])
  const handlerSeconds = histogram('lucihub_bus_handler_seconds', 'Time of one call of a handler', ['kind', 'subject'])
  const deadLetters = counter('lucihub_bus_dead_letters_total', 'Messages put aside', ['subject'])
  const callSeconds = histogram('lucihub_bus_call_seconds', 'Time from asking an rpc to its reply', [
    'subject',
    'outcome',
  ])
  return {
    handled({ kind, subject, outcome, messages: count, seconds }) {
      messages.inc({ kind, subject, outcome }, count)
      handlerSeconds.observe({ kind, subject }, seconds)
    },
    deadLettered({ subject }) {
      deadLetters.inc({ subject })
    },
    called({ subject, outcome, seconds }) {
      callSeconds.observe({ subject, outcome }, seconds)
    },
  }
}
