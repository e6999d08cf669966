import './whole-numbers.ts'

export type { Message } from './message.ts'
