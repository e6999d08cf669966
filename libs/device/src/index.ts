export * from './client/device-client.ts'
export * from './client/maintenance.ts'
export type { DeviceRunRequest } from './client/run-feed.ts'
export { DEVICE_PORT } from './client/session.ts'
export { ChunkAssembler, type SampledCarrier } from './codec/assembly.ts'
export { encodeConfiguration } from './codec/configuration.ts'
export { decodeConfiguration } from './codec/configuration-reader.ts'
export { decodeDescription, encodeDescription } from './codec/entity.ts'
export { renderEntityTree } from './codec/entity-tree.ts'
export * from './discovery/device-list.ts'
export * from './discovery/mdns.ts'
export * from './files.ts'
export * from './generation/computer.ts'
export * from './generation/connect.ts'
export { generationAt, probe, type Endpoint, type ProbedDevice, type ProbeOptions } from './generation/probe.ts'
export {
  connectJsonLines,
  JSON_LINES_RESOLUTION,
  type JsonLinesClient,
  type JsonLinesMode,
  type JsonLinesOptions,
} from './json-lines/client.ts'
export type { LineUser } from './json-lines/commands.ts'
export { refusalBehind, type Refusal } from './json-lines/message-types.ts'
export * from './json-lines/quirks.ts'
export { RunDataReader, type RunData } from './json-lines/run-data.ts'
export { serveJsonLines, type ServeLinesOptions } from './json-lines/server.ts'
export * from './server/device-server.ts'
export * from './server/misbehaviour.ts'
export type { ProxyOptions } from './server/proxy-sessions.ts'
export { encodeFrame, FrameReader, MESSAGE_BYTES_MAX, VARINT_BYTES_MAX } from './wire/framing.ts'
