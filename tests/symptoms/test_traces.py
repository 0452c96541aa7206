"""Traces: a collector that reads OTLP with OpenTelemetry's own definitions gets spans with GenAI's conventions, and no content."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from tests.harness import scripts, wire
from tests.harness.money import Price
from tests.harness.provider import Call

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ASK = [{"role": "user", "content": "the secret word is xylophone-9"}]
IDS = ("traceId", "spanId", "parentSpanId")


def with_base64_ids(value):
    """OTLP's JSON has ids in hexadecimal, where protobuf's own mapping has base64."""
    if isinstance(value, list):
        return [with_base64_ids(one) for one in value]
    if isinstance(value, dict):
        return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in IDS else with_base64_ids(v) for k, v in value.items()}
    return value


def plain(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(one) for one in value.array_value.values]
    return getattr(value, kind)


class Collector:
    """`spans` as dicts; `status` is what it answers."""

    def __enter__(self) -> Self:
        self.spans, self.headers, self.status = [], [], 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.headers.append((self.path, dict(self.headers)))
                if outer.status == 200:
                    outer.take(json.loads(body))
                self.send_response(outer.status)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def take(self, body: dict) -> None:
        request = json_format.ParseDict(with_base64_ids(body), ExportTraceServiceRequest())  # an unknown field is an error
        for resource in request.resource_spans:
            service = {a.key: plain(a.value) for a in resource.resource.attributes}["service.name"]
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                self.spans.append(
                    {
                        "service": service,
                        "name": span.name,
                        "kind": span.kind,
                        "trace": span.trace_id.hex(),
                        "id": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "ns": (span.start_time_unix_nano, span.end_time_unix_nano),
                        "status": span.status.code,
                        **{a.key: plain(a.value) for a in span.attributes},
                    }
                )


def ask(it, secret: str, model: str = "m", headers: dict | None = None, **more: object) -> wire.Answer:
    body = {"model": model, "messages": ASK, "max_tokens": 20, "temperature": 0.5, "stop": ["x"]} | more
    return asyncio.run(wire.call(it.steward.port, "/v1/chat/completions", secret, body, headers=headers or {}, deadline_s=30))


def exported(it, collector: Collector) -> list[dict]:
    it.steward.stop()  # sends what waits
    return collector.spans


def test_a_call_and_its_attempts_below_the_clients_span(scene):
    async def broken(call: Call) -> None:
        await call.json({"error": {"message": "xylophone-9 broke", "type": "server_error"}}, 500)

    with Collector() as collector:
        it = scene(
            {"m": scripts.answer("Hello.", prompt=7, tokens=4), "bad": broken},
            f'[traces]\nendpoint = "{collector.url}"\n[routes.r]\ndeployments = ["script/bad", "script/m"]\nretries = 0\n',
        )
        it.admin.set_price("script", "m", Price(output_pico=1_000_000))
        key = it.admin.new_key("k", content="30d")
        parent = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        assert ask(it, key["secret"], "r", parent).status == 200
        assert ask(it, key["secret"], "m", {"traceparent": f"00-{TRACE}-{PARENT}-00"}).status == 200, "not sampled: no span"
        assert ask(it, key["secret"], "m", {"traceparent": "garbage"}, stream=True).status == 200
        spans = exported(it, collector)
    assert collector.headers[0][0] == "/v1/traces"
    assert "xylophone" not in json.dumps(spans)
    mine = [span for span in spans if span["trace"] == TRACE]
    [request] = [span for span in mine if span["kind"] == 2]
    attempts = sorted((span for span in mine if span["kind"] == 3), key=lambda span: span["ns"])
    assert len(mine) == 3
    assert (request["parent"], request["name"], request["service"]) == (PARENT, "chat r", "steward")
    assert (request["gen_ai.operation.name"], request["gen_ai.request.model"], request["steward.key_id"]) == ("chat", "r", key["id"])
    assert request["steward.attempts"] == 2
    assert [span["parent"] for span in attempts] == [request["id"]] * 2
    bad, good = attempts
    assert (bad["gen_ai.request.model"], bad["status"], bad["error.type"]) == ("bad", 2, "upstream_error")
    assert (good["gen_ai.request.model"], good["gen_ai.response.model"], good["status"]) == ("m", "m", 0)
    assert (good["gen_ai.usage.input_tokens"], good["gen_ai.usage.output_tokens"]) == (7, 4)
    assert good["gen_ai.response.finish_reasons"] == ["stop"]
    assert good["gen_ai.response.id"] == "chatcmpl-up"
    assert (good["gen_ai.request.temperature"], good["gen_ai.request.max_tokens"], good["gen_ai.request.stop_sequences"]) == (0.5, 20, ["x"])
    assert good["steward.cost_usd"] == 4e-6
    assert request["ns"][0] <= good["ns"][0] <= good["ns"][1] <= request["ns"][1] + 1_000_000
    others = [span for span in spans if span["trace"] != TRACE]
    assert sorted(span["kind"] for span in others) == [2, 3]
    assert len({span["trace"] for span in others}) == 1
    assert [span["parent"] for span in others if span["kind"] == 2] == [""]


def test_content_only_where_it_is_asked_for_and_the_key_keeps_it(scene):
    with Collector() as collector:
        it = scene({"m": scripts.answer("It is fine.", tokens=4)}, f'[traces]\nendpoint = "{collector.url}/v1/traces"\ncontent = true\n')
        plain_key, kept = it.admin.new_key("a")["secret"], it.admin.new_key("b", content="1d")["secret"]
        for streamed in (False, True):
            ask(it, plain_key, stream=streamed)
            ask(it, kept, stream=streamed)
        spans = [span for span in exported(it, collector) if span["kind"] == 3]
    told = [span for span in spans if "gen_ai.input.messages" in span]
    assert (len(spans), len(told)) == (4, 2)
    for span in told:
        assert json.loads(span["gen_ai.input.messages"])[0]["parts"][0]["content"] == ASK[0]["content"]
        [out] = json.loads(span["gen_ai.output.messages"])
        assert out["parts"][0]["content"] == "It is fine."
    assert "xylophone" not in json.dumps([span for span in spans if span not in told])


def test_a_collector_that_is_down_or_refuses_holds_nobody_up(scene):
    with Collector() as collector:
        collector.status = 400
        it = scene({"m": scripts.answer("ok", tokens=1)}, f'[traces]\nendpoint = "{collector.url}"\nqueue_length = 16\n')
        secret = it.admin.new_key("a")["secret"]
        for _ in range(12):
            assert ask(it, secret).status == 200
        assert it.provider.wait_for(lambda: it.steward.metric("steward_trace_spans_dropped_total") == 24, 15)
        assert it.steward.metric("steward_trace_spans_sent_total") == 0


def test_off_unless_an_endpoint_is_set_and_opentelemetrys_variables_count(scene):
    with Collector() as collector:
        it = scene({"m": scripts.answer("ok", tokens=1)})
        secret = it.admin.new_key("a")["secret"]
        ask(it, secret)
        it.steward.stop()
        assert collector.spans == []
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=a%20b", "OTEL_SERVICE_NAME": "gate"}
        it.steward.start(env)
        ask(it, secret)
        spans = exported(it, collector)
    assert {span["service"] for span in spans} == {"gate"}
    assert collector.headers[0][1]["x-tenant"] == "a b"
