import { Controller } from '@nestjs/common'
import {
  store,
  type AppendUploadReply,
  type AppendUploadRequest,
  type BeginUploadReply,
  type BeginUploadRequest,
  type CommitUploadReply,
  type CommitUploadRequest,
  type FindFileReply,
  type FindFileRequest,
  type ListFilesReply,
  type ListFilesRequest,
  type ReadFilePartReply,
  type ReadFilePartRequest,
} from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { askerOf, limitOf, pageOf, seqOf } from '../tree/tree-rows.ts'
import { ownerOf } from './file-owner.ts'
import { FileRepository } from './file-repository.ts'
import { fileToProto } from './file-rows.ts'
import { FILE_BYTES_MAX, PART_BYTES, Uploads } from './uploads.ts'

@Controller()
export class FilesHandler {
  constructor(
    private readonly uploads: Uploads,
    private readonly files: FileRepository,
  ) {}

  @Answer(store.beginUpload)
  async beginUpload({ actor, owner, name }: BeginUploadRequest, _call: Call): Promise<BeginUploadReply> {
    const uploadId = await this.uploads.begin(askerOf(actor), { owner: ownerOf(owner), name })
    return { uploadId, partBytes: PART_BYTES, maxBytes: FILE_BYTES_MAX }
  }

  @Answer(store.appendUpload)
  async appendUpload({ uploadId, number, content }: AppendUploadRequest, _call: Call): Promise<AppendUploadReply> {
    await this.uploads.append(uploadId, { number, content })
    return {}
  }

  @Answer(store.commitUpload)
  async commitUpload(request: CommitUploadRequest, _call: Call): Promise<CommitUploadReply> {
    const { name, size, sha256, contentType, role } = request
    const wanted = { owner: ownerOf(request.owner), name, size, sha256, contentType, role }
    const { file, existing } = await this.uploads.commit(askerOf(request.actor), request.uploadId, wanted)
    return { file: fileToProto(file), existing }
  }

  @Answer(store.listFiles)
  async listFiles(
    { actor, owner: of, name, cursor, limit: asked }: ListFilesRequest,
    _call: Call,
  ): Promise<ListFilesReply> {
    const [asker, owner, limit, seq] = [askerOf(actor), ownerOf(of), limitOf(asked), seqOf(cursor)]
    const rows =
      name === ''
        ? await this.files.list(asker, owner, { after: seq, limit })
        : await this.files.versions(asker, { owner, name }, { before: seq, limit })
    const { shown, nextCursor } = pageOf(rows, limit)
    return { files: shown.map(fileToProto), nextCursor }
  }

  @Answer(store.findFile)
  async findFile({ actor, owner, name, version }: FindFileRequest, _call: Call): Promise<FindFileReply> {
    return { file: fileToProto(await this.files.find(askerOf(actor), { owner: ownerOf(owner), name, version })) }
  }

  @Answer(store.readFilePart)
  async readFilePart({ actor, fileId, offset }: ReadFilePartRequest, _call: Call): Promise<ReadFilePartReply> {
    return { content: await this.files.part(askerOf(actor), { fileId, offset }) }
  }
}
