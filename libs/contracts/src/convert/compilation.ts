import type { Compilation, CompileReport, Diagnostic, IntegratorRate, SourceSpan } from '@lucihub/analog'
import { severity } from '../enums.ts'
import type { CompileReply, CompileReportMessage, DiagnosticMessage } from '../messages.ts'
import { configurationFromProto, configurationToProto } from './configuration.ts'

export function compilationToProto({ diagnostics, result }: Compilation): CompileReply {
  return {
    diagnostics: diagnostics.map(diagnosticToProto),
    configuration: result && configurationToProto(result.configuration),
    report: result && reportToProto(result.report),
  }
}

export function compilationFromProto({ diagnostics, configuration, report }: CompileReply): Compilation {
  return {
    diagnostics: diagnostics.map(diagnosticFromProto),
    result:
      configuration && report
        ? { configuration: configurationFromProto(configuration), report: reportFromProto(report) }
        : null,
  }
}

export function reportToProto(report: CompileReport): CompileReportMessage {
  return { ...report, machine: report.machine ?? '' }
}

export function reportFromProto(message: CompileReportMessage): CompileReport {
  return {
    elements: message.elements.map(({ kind, used, available }) => ({ kind, used, available })),
    lanesUsed: message.lanesUsed,
    lanesAvailable: message.lanesAvailable,
    k0: message.k0 as IntegratorRate,
    problemTimePerSecond: message.problemTimePerSecond,
    signals: message.signals.map(({ name, element, scale, amplitude }) => ({ name, element, scale, amplitude })),
    compileTimeMs: message.compileTimeMs,
    ...(message.machine && { machine: message.machine }),
  }
}

export function diagnosticToProto(diagnostic: Diagnostic): DiagnosticMessage {
  return { ...diagnostic, fix: diagnostic.fix ?? null, severity: severity.toProto(diagnostic.severity) }
}

export function diagnosticFromProto({
  code,
  message,
  hint,
  span,
  fix,
  severity: level,
}: DiagnosticMessage): Diagnostic {
  return {
    code,
    message,
    hint,
    severity: severity.fromProto(level),
    span: span ? spanFromProto(span) : null,
    ...(fix?.span && { fix: { title: fix.title, span: spanFromProto(fix.span), replacement: fix.replacement } }),
  }
}

function spanFromProto({ from, to, line, column }: NonNullable<DiagnosticMessage['span']>): SourceSpan {
  return { from, to, line, column }
}
