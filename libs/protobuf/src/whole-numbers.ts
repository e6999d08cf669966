/**
 * 64-bit integers are plain numbers: every one of ours (indices, sequences, epochs, ms) stays below 2^53.
 * protobufjs would make Long objects of them, and decides that for a field's default value when the
 * generated code is loaded: so this must run before.
 */
import protobuf from 'protobufjs/minimal.js'

Object.assign(protobuf.util, { Long: null })
protobuf.configure()
