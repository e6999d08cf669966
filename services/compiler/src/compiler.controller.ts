import { Controller } from '@nestjs/common'
import { compilationToProto, compiler, type CompileReply, type CompileRequest } from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { jobOf } from './compile-job.ts'
import { CompilePool } from './compile-pool.ts'

@Controller()
export class CompilerController {
  constructor(private readonly pool: CompilePool) {}

  @Answer(compiler.compile)
  async compile(request: CompileRequest, _call: Call): Promise<CompileReply> {
    return compilationToProto(await this.pool.compile(jobOf(request)))
  }
}
