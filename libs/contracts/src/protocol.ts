/** The generated code, loaded after the settings that its default values depend on. */
import './whole-numbers.ts'
export { lucihub } from './generated/bus.js'
