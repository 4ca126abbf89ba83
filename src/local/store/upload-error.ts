/** Why bytes were not taken. Nothing of what the failed call wrote counts, except `interrupted`: that can go on. */
export type UploadFailure = 'unknown' | 'busy' | 'out-of-order' | 'length' | 'digest' | 'interrupted';

export class UploadError extends Error {
  override readonly name = 'UploadError';
  readonly reason: UploadFailure;

  constructor(reason: UploadFailure, message: string) {
    super(message);
    this.reason = reason;
  }
}
