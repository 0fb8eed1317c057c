"""``composite``: several calls in one, which may refer to one another; also batch and tree."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from scripts.sandbox.salesforce.errors import Problem, Refused, not_found
from scripts.sandbox.salesforce.org import Asked, Org
from scripts.sandbox.salesforce.records import rows_of, writable
from scripts.sandbox.server import Answer, Call, as_json

MOST_PARTS = 25
MOST_TREES = 200
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])*)\}")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+)\]")
_GOOD = 300


class Composite:
    """Several calls in one; it counts as one.

    Args:
        org: whose.
        sub: answers a part.
    """

    def __init__(self, org: Org, sub: Callable[[Call], Answer]) -> None:
        self._org, self._sub = org, sub

    def all(self, asked: Asked) -> Answer:
        """``POST composite``: in order, with ``@{reference.field}``; ``allOrNone`` takes back."""
        body = asked.json_object()
        parts = _few(body.get("compositeRequest"))
        store = self._org.store
        mark = store.begin()
        start = mark or 0
        known: dict[str, Any] = {}
        told: list[dict[str, Any]] = []
        try:
            for part in parts:
                status, value = self._part(asked, part, known)
                name = str(part.get("referenceId", ""))
                if status < _GOOD:
                    known[name] = value
                shown = {"body": value, "httpHeaders": {}, "httpStatusCode": status}
                told.append({**shown, "referenceId": name})
            if body.get("allOrNone") is True and any(t["httpStatusCode"] >= _GOOD for t in told):
                store.rollback(start)
                told = [_halted(t) if t["httpStatusCode"] < _GOOD else t for t in told]
        finally:
            store.end(mark)
        return as_json(200, {"compositeResponse": told})

    def batch(self, asked: Asked) -> Answer:
        """``POST composite/batch``: calls that know nothing of one another."""
        body = asked.json_object()
        results: list[dict[str, Any]] = []
        for part in _few(body.get("batchRequests")):
            url = "/services/data/" + str(part.get("url", "")).lstrip("/")
            asks = {"method": part.get("method"), "url": url, "body": part.get("richInput")}
            status, value = self._part(asked, asks, {})
            results.append({"statusCode": status, "result": value})
        failed = any(result["statusCode"] >= _GOOD for result in results)
        return as_json(200, {"hasErrors": failed, "results": results})

    def tree(self, asked: Asked) -> Answer:
        """``POST composite/tree/{object}``: records without children, all or none."""
        sobject = self._org.schema.find(asked.params["object"])
        if sobject is None:
            raise not_found()
        rows = rows_of(asked.json_object().get("records"))
        if len(rows) > MOST_TREES:
            raise Refused.because("LIMIT_EXCEEDED", "a tree has 200 records at most", None)
        store = self._org.store
        mark = store.begin()
        start = mark or 0
        results: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        try:
            for row in rows:
                attributes = row.get("attributes")
                named = attributes if isinstance(attributes, dict) else {}
                name = str(named.get("referenceId", ""))
                try:
                    made = self._org.writer.insert(writable(sobject), row, asked.how)
                    results.append({"referenceId": name, "id": made})
                except Refused as refused:
                    failed.append({"referenceId": name, "errors": [refused.problem.of_row()]})
            if failed:
                store.rollback(start)
        finally:
            store.end(mark)
        told = {"hasErrors": bool(failed), "results": failed or results}
        return as_json(400 if failed else 201, told)

    def _part(
        self, asked: Asked, part: Mapping[str, Any], known: Mapping[str, Any]
    ) -> tuple[int, Any]:
        try:
            url = _filled(str(part.get("url", "")), known)
            body = _filled_in(part.get("body"), known)
        except KeyError as missing:
            told = f"Invalid reference specified. No value for {missing.args[0]}"
            return 400, [Problem("PROCESSING_HALTED", told, None).of_call()]
        split = urlsplit(url)
        path = unquote(split.path)
        query = parse_qsl(split.query, keep_blank_values=True)
        method = str(part.get("method", "GET")).upper()
        headers = {**asked.headers, **{k.lower(): str(v) for k, v in _headers(part).items()}}
        content = b"" if body is None else orjson.dumps(body)
        answer = self._sub(Call(method, path, {}, query, headers, content, url))
        return answer.status, orjson.loads(answer.body) if answer.body else None


def _headers(part: Mapping[str, Any]) -> dict[str, Any]:
    given = part.get("httpHeaders")
    return given if isinstance(given, dict) else {}


def _few(parts: Any) -> list[dict[str, Any]]:  # noqa: ANN401  (JSON)
    rows = rows_of(parts)
    if not 1 <= len(rows) <= MOST_PARTS:
        told = f"1 to {MOST_PARTS} requests may stand in one"
        raise Refused.because("LIMIT_EXCEEDED", told, None)
    return rows


def _filled_in(value: Any, known: Mapping[str, Any]) -> Any:  # noqa: ANN401  (JSON)
    if isinstance(value, str):
        return _filled(value, known)
    if isinstance(value, list):
        return [_filled_in(each, known) for each in value]
    if isinstance(value, dict):
        return {key: _filled_in(each, known) for key, each in value.items()}
    return value


def _filled(text: str, known: Mapping[str, Any]) -> str:
    def meant(match: re.Match[str]) -> str:
        value: Any = known[match[1]]
        for step in _STEP.finditer(match[2]):
            try:
                value = value[step[1]] if step[1] else value[int(step[2])]
            except (KeyError, IndexError, TypeError):
                raise KeyError(match[0]) from None
        return str(value)

    return _REFERENCE.sub(meant, text)


def _halted(told: dict[str, Any]) -> dict[str, Any]:
    text = "The transaction was rolled back since another operation in the same transaction failed."
    body = [Problem("PROCESSING_HALTED", text, None).of_call()]
    return {**told, "body": body, "httpStatusCode": 400}
