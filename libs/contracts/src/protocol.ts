/** The generated code, loaded after the settings that its default values depend on. */
import '@lucihub/protobuf'
export { lucihub } from './generated/bus.js'
