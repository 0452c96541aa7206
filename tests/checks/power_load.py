"""The load that is recorded for `power`: that of `crash`, and calls whose answers promise state, each with where the disk's log stood
when the client knew of it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.checks.crash_load import Load
from tests.faults.control import Faults
from tests.harness import wire
from tests.harness.acklog import AckLog


class PlacedLog:
    """An AckLog that adds to each acknowledgement the length of the disk's log: a cut at that point or later must keep it."""

    def __init__(self, log: AckLog, faults: Faults):
        self.log, self.faults = log, faults

    def add(self, ack: str, /, *, at: int | None = None, **fields: object) -> None:
        self.log.add(ack, at=self.faults.log_bytes() if at is None else at, **fields)


@dataclass
class PowerLoad(Load):
    faults: Faults | None = None

    def actions(self) -> list:
        return [*super().actions(), self._keyed, self._keyed, self._stored, self._stored, self._file]

    async def _model_call(self, path: str, body: dict, *, key: str | None = None, headers: dict[str, str] | None = None) -> wire.Answer | None:
        """Where the log stood at the first byte is written down too: a reservation is durable before it."""
        first: list[int] = []

        def on_piece(_: bytes) -> None:
            if not first:
                first.append(self.faults.log_bytes())

        answer = await wire.call(self.port, path, key or self.rng.choice(self.keys), body, headers=headers, on_piece=on_piece, deadline_s=20)
        if answer.status == 200:
            self.log.add("begun", call=answer.headers["x-steward-call"], at=first[0])
            return answer
        self._odd(path, answer)
        return None

    async def _keyed(self) -> None:
        """An Idempotency-Key promises that the same answer comes again."""
        self.made += 1
        name, body = f"power-{self.made}", {"model": "quick-1", "messages": [{"role": "user", "content": f"hi {self.made}"}], "max_tokens": 8}
        if answer := await self._model_call("/v1/chat/completions", body, key=self.keys[0], headers={"Idempotency-Key": name}):
            usage = answer.json()["usage"]
            call = answer.headers["x-steward-call"]
            self.log.add("kept", call=call, prompt=usage["prompt_tokens"], completion=usage["completion_tokens"], key=name, body=body, text=answer.body.decode())

    async def _stored(self) -> None:
        """A stored response promises that it can be fetched."""
        body = {"model": "quick-1", "input": "hi", "max_output_tokens": 16, "store": True}
        if answer := await self._model_call("/v1/responses", body, key=self.keys[0]):
            told = answer.json()
            usage = told["usage"]
            call = answer.headers["x-steward-call"]
            self.log.add("kept", call=call, prompt=usage["input_tokens"], completion=usage["output_tokens"], response=told["id"])

    async def _file(self) -> None:
        """A file's bytes are a blob beside the journal."""
        self.made += 1
        edge, content = "power", f'{{"n": {self.made}}}\n' * 40
        lines = [f"--{edge}", 'Content-Disposition: form-data; name="purpose"', "", "batch", f"--{edge}"]
        lines += [f'Content-Disposition: form-data; name="file"; filename="n{self.made}.jsonl"', "Content-Type: application/jsonl", "", content, f"--{edge}--", ""]
        data = "\r\n".join(lines).encode()
        answer = await wire.call(self.port, "/v1/files", self.keys[0], data, headers={"Content-Type": f"multipart/form-data; boundary={edge}"}, deadline_s=20)
        if answer.status == 200:
            self.log.add("file", file=answer.json()["id"], content=content)
        else:
            self._odd("/v1/files", answer)
