import { Module, type DynamicModule } from '@nestjs/common'
import { MessagingModule, type Bus } from '@lucihub/messaging'
import type { Service } from '@lucihub/service-kit'
import { SCANNER_CONFIG, type ScannerConfig } from './config.ts'
import { Scanner } from './scanner.ts'

@Module({ providers: [Scanner] })
export class DeviceScannerModule {
  static of(bus: Bus, config: ScannerConfig): DynamicModule {
    return {
      module: DeviceScannerModule,
      imports: [MessagingModule.of(bus)],
      providers: [{ provide: SCANNER_CONFIG, useValue: config }],
    }
  }
}

export function deviceScanner(config: ScannerConfig): Service {
  return { name: 'device-scanner', config, module: (bus) => DeviceScannerModule.of(bus, config) }
}
