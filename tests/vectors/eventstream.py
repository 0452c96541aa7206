"""Writes eventstream.json: Amazon event streams, and what botocore (PyPI, 1.40) reads in them.

The bytes are put together here from the published framing (total length, length of the headers, CRC-32 of these, headers,
payload, CRC-32 of all that; https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html); botocore, which must read
back what was meant, is the judge of them. Run it to make the file anew: python3 tests/vectors/eventstream.py
"""
import base64
import json
import pathlib
import struct
import zlib

import botocore
from botocore.eventstream import EventStreamBuffer

ALL_TYPES = (b"\x04true\x00" + b"\x05false\x01" + b"\x04byte\x02\x7f" + b"\x05short\x03\x7f\xff" + b"\x07integer\x04\x7f\xff\xff\xff" +
             b"\x04long\x05" + b"\x7f" + b"\xff" * 7 + b"\x05bytes\x06\x00\x02\x00\x01" + b"\x04time\x08" + struct.pack(">q", 1_440_938_160_000) +
             b"\x04uuid\x09" + bytes(range(16)))


def text_header(name, value):
    return struct.pack(">B", len(name)) + name.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()


def frame(headers, payload):
    prelude = struct.pack(">II", 12 + len(headers) + len(payload) + 4, len(headers))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return body + struct.pack(">I", zlib.crc32(body))


def chunk(event, extra=b""):
    inner = base64.b64encode(json.dumps(event).encode()).decode()
    headers = text_header(":event-type", "chunk") + text_header(":content-type", "application/json") + extra + text_header(":message-type", "event")
    return frame(headers, json.dumps({"bytes": inner, "p": "abcdef"}).encode())


def exception(kind, message):
    return frame(text_header(":exception-type", kind) + text_header(":content-type", "application/json") + text_header(":message-type", "exception"),
                 json.dumps({"message": message}).encode())


EVENTS = [
    {"type": "message_start", "message": {"id": "msg_bdrk_1", "role": "assistant", "content": [], "usage": {"input_tokens": 9, "output_tokens": 1}}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "gr\u00fc\u00dfe \u4f60\u597d"}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 9, "outputTokenCount": 2}},
]


WHOLE = [
    {"type": "message_start", "message": {"id": "msg_bdrk_2", "type": "message", "role": "assistant", "model": "claude", "content": [], "stop_reason": None,
                                          "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 2}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 9, "outputTokenCount": 2}},
]


def main():
    streams = {
        "whole": b"".join(chunk(event) for event in WHOLE),
        "events": b"".join(chunk(event) for event in EVENTS),
        "all_header_types": chunk(EVENTS[1], ALL_TYPES),
        "exception": chunk(EVENTS[0]) + exception("throttlingException", "Too many requests"),
        "error": frame(text_header(":message-type", "error") + text_header(":error-code", "InternalFailure") + text_header(":error-message", "broke"), b""),
        "empty_payload": frame(text_header(":message-type", "event") + text_header(":event-type", "initial-response"), b""),
    }
    out = {"source": f"botocore {botocore.__version__}", "streams": []}
    for name, data in streams.items():
        buffer = EventStreamBuffer()
        buffer.add_data(data)
        read = []
        for event in buffer:
            parsed = event.to_response_dict()
            payload = json.loads(parsed["body"]) if parsed["body"] else {}
            row = {"message_type": parsed["headers"][":message-type"], "status": parsed["status_code"]}
            if "bytes" in payload:
                row["event"] = json.loads(base64.b64decode(payload["bytes"]))
            row["kind"] = parsed["headers"].get(":exception-type", parsed["headers"].get(":error-code", ""))
            row["reason"] = payload.get("message", parsed["headers"].get(":error-message", ""))
            read.append(row)
        out["streams"].append({"name": name, "hex": data.hex(), "read": read})
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
