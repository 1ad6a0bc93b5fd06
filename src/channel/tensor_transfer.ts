/**
 * Tensors on their way: a transfer whose offer says what its bytes mean (PROTOCOL.md section 6).
 */

import { CodedError } from "../base/errors.ts";
import { FieldError } from "../base/guards.ts";
import type { RunningHash } from "../noise/primitives.ts";
import { MemorySinkError, MemorySinks } from "./memory_sink.ts";
import { receiveTransfer } from "./receive_transfer.ts";
import { type IncomingRequest, type OutgoingReply, Refusal } from "./responder.ts";
import { sendTransfer, type SendTransferOptions } from "./send_transfer.ts";
import {
  decodeTensor,
  DEFAULT_MAX_TENSOR_BYTES,
  encodeTensor,
  readTensorHead,
  type Tensor,
  TensorError,
  writeTensorHead,
} from "./tensor.ts";
import { readOffer, type TransferOutcome } from "./transfer.ts";

/** The request that offers a tensor. */
export const TENSOR_PUT = "TENSOR_PUT";

export type SendTensorOptions =
  & Omit<SendTransferOptions, "type" | "source" | "extra">
  & { readonly name: string; readonly tensor: Tensor };

/** Sends `tensor` under `name`, which the receiver knows what to do with. Rejects as `sendTransfer` does. */
export function sendTensor(
  { name, tensor, ...options }: SendTensorOptions,
): Promise<TransferOutcome & { readonly resumedFrom: number }> {
  const { head, body } = encodeTensor(tensor);
  return sendTransfer({
    ...options,
    type: TENSOR_PUT,
    extra: writeTensorHead(head),
    source: {
      name,
      size: body.length,
      read(offset, buffer) {
        const piece = body.subarray(offset, offset + buffer.length);
        buffer.set(piece);
        return Promise.resolve(piece.length);
      },
    },
  });
}

export interface TensorReceiverOptions {
  readonly createSha256: () => RunningHash;
  /** Whether a tensor of this name is wanted from this peer. */
  readonly isWanted: (name: string, from: string) => boolean;
  /** A whole tensor, the receiver's to keep. */
  readonly onTensor: (name: string, tensor: Tensor, from: string) => void;
  readonly maxTensorBytes?: number;
  /** All tensors on their way together. */
  readonly maxHeldBytes?: number;
}

/** Receives tensors into memory. */
export class TensorReceiver {
  readonly #options: TensorReceiverOptions;
  readonly #sinks: MemorySinks;

  constructor(options: TensorReceiverOptions) {
    this.#options = options;
    this.#sinks = new MemorySinks(options.maxHeldBytes ?? 2 * DEFAULT_MAX_TENSOR_BYTES);
  }

  /** Answers a {@link TENSOR_PUT}. */
  async receive(request: IncomingRequest, from: string): Promise<OutgoingReply> {
    const { createSha256, isWanted, onTensor, maxTensorBytes } = this.#options;
    try {
      const { name, size } = readOffer(request.data);
      const head = readTensorHead(
        request.data,
        maxTensorBytes === undefined ? {} : { maxBytes: maxTensorBytes },
      );
      if (size !== head.byteLength) {
        throw new TensorError("length_mismatch", "Cannot read tensor: its size is another length");
      }
      if (!isWanted(name, from)) {
        throw new Refusal("not_wanted", "Cannot receive: nobody waits for this tensor");
      }
      const sink = this.#sinks.open(JSON.stringify([from, name, head.dtype, head.shape]), size);
      return await receiveTransfer({
        request,
        size,
        sink,
        createSha256,
        isTellable: () => false,
        onEnd: (outcome) => {
          if (!(outcome instanceof Error)) onTensor(name, decodeTensor(head, sink.bytes), from);
        },
      });
    } catch (error) {
      const isTellable = error instanceof FieldError || error instanceof TensorError ||
        error instanceof MemorySinkError;
      if (isTellable && error instanceof CodedError) throw new Refusal(error.code, error.message);
      throw error;
    }
  }
}
