"""What the sandbox's OpenAI costs the machine that it shares with the engine.

It has to be cheap enough not to be what a benchmark of the engine measures.
"""

import asyncio
from time import perf_counter
from uuid import uuid4

import orjson

from policies.rubric import RubricAnswer, instructions, lead_document
from scripts.bench.figures import Figure
from scripts.sandbox.process import KEY, SandboxProcess
from scripts.sandbox.settings import HOST, Conditions, Settings

CALLS = 3000
CONNECTIONS = 16
PLENTY = Conditions(latency=0.0, rpm=10_000_000, tpm=10_000_000_000)
LEAST_CALLS, MOST_MILLISECONDS = 300.0, 1.0


def run() -> list[Figure]:
    """Ask for `CALLS` judgements of different leads as fast as they are answered."""
    requests = [_request(number) for number in range(CALLS)]
    with SandboxProcess(Settings(conditions=PLENTY)) as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        before = sandbox.health()["cpu_seconds"]
        seconds = asyncio.run(_ask(port, requests))
        cpu = sandbox.health()["cpu_seconds"] - before
        billed = sandbox.book(each=False)["calls"]
    if billed != CALLS:
        raise RuntimeError(f"{CALLS} calls were made, but {billed} were billed")
    return [
        Figure("chat calls a second", CALLS / seconds, "1/s", target=LEAST_CALLS),
        Figure(
            "processor time a call",
            1000 * cpu / CALLS,
            "ms",
            target=MOST_MILLISECONDS,
            at_most=True,
        ),
    ]


async def _ask(port: int, requests: list[bytes]) -> float:
    begun = perf_counter()
    shares = [requests[start::CONNECTIONS] for start in range(CONNECTIONS)]
    await asyncio.gather(*(_one_by_one(port, share) for share in shares))
    return perf_counter() - begun


async def _one_by_one(port: int, requests: list[bytes]) -> None:
    """A client so thin that it hardly counts."""
    reader, writer = await asyncio.open_connection(HOST, port)
    for request in requests:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        body = await reader.readexactly(int(length))
        if b" 200 " not in head[:16]:
            raise RuntimeError(body.decode())
    writer.close()
    await writer.wait_closed()


def _request(number: int) -> bytes:
    document = lead_document(
        {
            "title": "VP of Marketing",
            "TotalVisits": number % 9,
            "Total Time Spent on Website": number,
            "inquiry": "We are looking for a demo this month, the budget is approved",
            "industry": "retail",
            "Last Activity": "SMS Sent",
            "Lead Source": "Google",
        }
    )
    schema = RubricAnswer.model_json_schema()
    form = {"name": "RubricAnswer", "strict": True, "schema": schema}
    body = orjson.dumps(
        {
            "model": "gpt-4.1-mini",
            "messages": [
                {"role": "system", "content": instructions("education")},
                {"role": "user", "content": document},
            ],
            "response_format": {"type": "json_schema", "json_schema": form},
            "max_completion_tokens": 800,
            "store": True,
            "metadata": {"call_id": str(uuid4())},
        }
    )
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\n"
        f"host: {HOST}\r\nauthorization: Bearer {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
