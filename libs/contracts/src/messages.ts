/** Every message of proto/lucihub/v1, as a type and (where it travels alone) as a {@link MessageType}. */
import { lucihub } from './protocol.ts'
import type { Message } from '@lucihub/protobuf'
import { messageType } from './message.ts'

const v1 = lucihub.v1

// access.proto
export type AuthenticateRequest = Message<lucihub.v1.AuthenticateRequest.$Properties>
export const AuthenticateRequest = messageType('AuthenticateRequest', v1.AuthenticateRequest)
export type AuthenticateReply = Message<lucihub.v1.AuthenticateReply.$Properties>
export const AuthenticateReply = messageType('AuthenticateReply', v1.AuthenticateReply)

// compilation.proto
export type CompileRequest = Message<lucihub.v1.CompileRequest.$Properties>
export const CompileRequest = messageType('CompileRequest', v1.CompileRequest)
export type CompileReply = Message<lucihub.v1.CompileReply.$Properties>
export const CompileReply = messageType('CompileReply', v1.CompileReply)
export type CompileReportMessage = Message<lucihub.v1.CompileReport.$Properties>
export type DiagnosticMessage = Message<lucihub.v1.Diagnostic.$Properties>

// configuration.proto
export type ConfigurationMessage = Message<lucihub.v1.Configuration.$Properties>
export const ConfigurationMessage = messageType('Configuration', v1.Configuration)

// device.proto
export type ActiveDeviceList = Message<lucihub.v1.ActiveDeviceList.$Properties>
export const ActiveDeviceList = messageType('ActiveDeviceList', v1.ActiveDeviceList)
export type DeviceDescriptionMessage = Message<lucihub.v1.DeviceDescription.$Properties>
export const DeviceDescriptionMessage = messageType('DeviceDescription', v1.DeviceDescription)
export type ListDevicesRequest = Message<lucihub.v1.ListDevicesRequest.$Properties>
export const ListDevicesRequest = messageType('ListDevicesRequest', v1.ListDevicesRequest)
export type ListDevicesReply = Message<lucihub.v1.ListDevicesReply.$Properties>
export const ListDevicesReply = messageType('ListDevicesReply', v1.ListDevicesReply)
export type GetDeviceRequest = Message<lucihub.v1.GetDeviceRequest.$Properties>
export const GetDeviceRequest = messageType('GetDeviceRequest', v1.GetDeviceRequest)
export type GetDeviceReply = Message<lucihub.v1.GetDeviceReply.$Properties>
export const GetDeviceReply = messageType('GetDeviceReply', v1.GetDeviceReply)
export type EntityMessage = Message<lucihub.v1.Entity.$Properties>
export type ActiveDevice = Message<lucihub.v1.ActiveDevice.$Properties>
export type Device = Message<lucihub.v1.Device.$Properties>

// execution.proto
export type LeaseRequest = Message<lucihub.v1.LeaseRequest.$Properties>
export const LeaseRequest = messageType('LeaseRequest', v1.LeaseRequest)
export type LeaseReply = Message<lucihub.v1.LeaseReply.$Properties>
export const LeaseReply = messageType('LeaseReply', v1.LeaseReply)
export type RunCommand = Message<lucihub.v1.RunCommand.$Properties>
export const RunCommand = messageType('RunCommand', v1.RunCommand)
export type ClaimRequest = Message<lucihub.v1.ClaimRequest.$Properties>
export const ClaimRequest = messageType('ClaimRequest', v1.ClaimRequest)
export type ClaimReply = Message<lucihub.v1.ClaimReply.$Properties>
export const ClaimReply = messageType('ClaimReply', v1.ClaimReply)
export type CancelNudge = Message<lucihub.v1.CancelNudge.$Properties>
export const CancelNudge = messageType('CancelNudge', v1.CancelNudge)
export type WatermarkRequest = Message<lucihub.v1.WatermarkRequest.$Properties>
export const WatermarkRequest = messageType('WatermarkRequest', v1.WatermarkRequest)
export type WatermarkReply = Message<lucihub.v1.WatermarkReply.$Properties>
export const WatermarkReply = messageType('WatermarkReply', v1.WatermarkReply)
export type Lease = Message<lucihub.v1.Lease.$Properties>
export type AttemptId = Message<lucihub.v1.AttemptId.$Properties>

// journal.proto
export type JournalRecord = Message<lucihub.v1.JournalRecord.$Properties>
export const JournalRecord = messageType('JournalRecord', v1.JournalRecord)
export type JournalBatch = Message<lucihub.v1.JournalBatch.$Properties>
export const JournalBatch = messageType('JournalBatch', v1.JournalBatch)
export type JournalSegment = Message<lucihub.v1.JournalSegment.$Properties>
export const JournalSegment = messageType('JournalSegment', v1.JournalSegment)
export type ReadEventsRequest = Message<lucihub.v1.ReadEventsRequest.$Properties>
export const ReadEventsRequest = messageType('ReadEventsRequest', v1.ReadEventsRequest)
export type ReadEventsReply = Message<lucihub.v1.ReadEventsReply.$Properties>
export const ReadEventsReply = messageType('ReadEventsReply', v1.ReadEventsReply)
export type ViewFrame = Message<lucihub.v1.ViewFrame.$Properties>
export const ViewFrame = messageType('ViewFrame', v1.ViewFrame)
export type RunEvent = Message<lucihub.v1.RunEvent.$Properties>
export type PhaseRecord = Message<lucihub.v1.PhaseRecord.$Properties>
export type LogRecord = Message<lucihub.v1.LogRecord.$Properties>
export type ChunkRecord = Message<lucihub.v1.ChunkRecord.$Properties>
export type GapRecord = Message<lucihub.v1.GapRecord.$Properties>
export type EndRecord = Message<lucihub.v1.EndRecord.$Properties>
export type ChannelManifest = Message<lucihub.v1.ChannelManifest.$Properties>
export type StateEvent = Message<lucihub.v1.StateEvent.$Properties>
export type LiveSamples = Message<lucihub.v1.LiveSamples.$Properties>

// problem.proto
export type ProblemMessage = Message<lucihub.v1.Problem.$Properties>
export const ProblemMessage = messageType('Problem', v1.Problem)

// results.proto
export type ListChannelsRequest = Message<lucihub.v1.ListChannelsRequest.$Properties>
export const ListChannelsRequest = messageType('ListChannelsRequest', v1.ListChannelsRequest)
export type ListChannelsReply = Message<lucihub.v1.ListChannelsReply.$Properties>
export const ListChannelsReply = messageType('ListChannelsReply', v1.ListChannelsReply)
export type ReadSamplesRequest = Message<lucihub.v1.ReadSamplesRequest.$Properties>
export const ReadSamplesRequest = messageType('ReadSamplesRequest', v1.ReadSamplesRequest)
export type ReadSamplesReply = Message<lucihub.v1.ReadSamplesReply.$Properties>
export const ReadSamplesReply = messageType('ReadSamplesReply', v1.ReadSamplesReply)
export type ReadPlotRequest = Message<lucihub.v1.ReadPlotRequest.$Properties>
export const ReadPlotRequest = messageType('ReadPlotRequest', v1.ReadPlotRequest)
export type ReadPlotReply = Message<lucihub.v1.ReadPlotReply.$Properties>
export const ReadPlotReply = messageType('ReadPlotReply', v1.ReadPlotReply)
export type ChannelInfo = Message<lucihub.v1.ChannelInfo.$Properties>
export type PlotChannel = Message<lucihub.v1.PlotChannel.$Properties>

// run.proto
export type RunSpec = Message<lucihub.v1.RunSpec.$Properties>
export const RunSpec = messageType('RunSpec', v1.RunSpec)
export type SubmitRunRequest = Message<lucihub.v1.SubmitRunRequest.$Properties>
export const SubmitRunRequest = messageType('SubmitRunRequest', v1.SubmitRunRequest)
export type SubmitRunReply = Message<lucihub.v1.SubmitRunReply.$Properties>
export const SubmitRunReply = messageType('SubmitRunReply', v1.SubmitRunReply)
export type GetRunRequest = Message<lucihub.v1.GetRunRequest.$Properties>
export const GetRunRequest = messageType('GetRunRequest', v1.GetRunRequest)
export type GetRunReply = Message<lucihub.v1.GetRunReply.$Properties>
export const GetRunReply = messageType('GetRunReply', v1.GetRunReply)
export type ListRunsRequest = Message<lucihub.v1.ListRunsRequest.$Properties>
export const ListRunsRequest = messageType('ListRunsRequest', v1.ListRunsRequest)
export type ListRunsReply = Message<lucihub.v1.ListRunsReply.$Properties>
export const ListRunsReply = messageType('ListRunsReply', v1.ListRunsReply)
export type CancelRunRequest = Message<lucihub.v1.CancelRunRequest.$Properties>
export const CancelRunRequest = messageType('CancelRunRequest', v1.CancelRunRequest)
export type CancelRunReply = Message<lucihub.v1.CancelRunReply.$Properties>
export const CancelRunReply = messageType('CancelRunReply', v1.CancelRunReply)
export type RunMessage = Message<lucihub.v1.Run.$Properties>
export type Attempt = Message<lucihub.v1.Attempt.$Properties>
