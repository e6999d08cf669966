/** What the bus tells about itself, so that metrics can be made of it without this library knowing how. */

export interface BusObserver {
  called(call: { readonly subject: string; readonly outcome: 'ok' | 'problem'; readonly seconds: number }): void
  /** One handler ran. `subject` is the rpc's subject or the feed's filter; a batch counts its messages. */
  handled(work: {
    readonly kind: 'answer' | 'consume' | 'listen'
    readonly subject: string
    readonly outcome: 'ok' | 'failed'
    readonly messages: number
    readonly seconds: number
  }): void
  deadLettered(letter: { readonly subject: string }): void
}

export const SILENT: BusObserver = {
  called: () => undefined,
  handled: () => undefined,
  deadLettered: () => undefined,
}
