"""Bulk API 2.0, spoken through simple-salesforce's session but not through its bulk client.

Sources:
    Bulk API 2.0 guide, ingest jobs, v62, read 2026-11-22. simple-salesforce asks for
    ``unprocessedRecords``, the guide says ``unprocessedrecords``.
"""

from collections.abc import Callable

import requests
from simple_salesforce.api import Salesforce as Client

from agents.vendors.salesforce.failures import not_salesforce
from policies import crm_csv
from policies.crm_records import JobResults

JOBS = "jobs/ingest"
RESULTS = ("successfulResults", "failedResults", "unprocessedrecords")
LARGEST_UPLOAD = 100 * 10**6
"""150 MB is the limit after base64."""


def path(job_id: str) -> str:
    """Return where a job stands below ``/services/data/vXX.X/``."""
    return f"{JOBS}/{job_id}"


def new_job(sobject: str, operation: str, external_field: str | None) -> dict[str, str]:
    """Return what opens a job."""
    wanted = {
        "object": sobject,
        "operation": operation,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    return wanted | ({"externalIdFieldName": external_field} if external_field else {})


def uploading(job_id: str, csv: bytes) -> Callable[[Client], None]:
    """Return the call that hands a job its rows."""

    def upload(client: Client) -> None:
        kind = {"Content-Type": "text/csv; charset=UTF-8"}
        response = _sent(client, "PUT", f"{path(job_id)}/batches", kind, csv)
        if response.status_code != requests.codes.created:
            raise not_salesforce(f"an upload answered with status {response.status_code}")

    return upload


def downloading(job_id: str, what: str) -> Callable[[Client], bytes]:
    """Return the call that fetches one of the results."""

    def download(client: Client) -> bytes:
        response = _sent(client, "GET", f"{path(job_id)}/{what}", {"Accept": "text/csv"})
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if response.content and kind != "text/csv":
            raise not_salesforce("results that are no CSV")
        return response.content

    return download


def results(succeeded: bytes, failed: bytes, unprocessed: bytes, *, key: str) -> JobResults:
    """Read the three results of a job.

    Raises:
        VendorError: one of them is no CSV, or lacks the key.
    """
    try:
        return JobResults(
            crm_csv.job_rows(succeeded, key),
            crm_csv.job_rows(failed, key),
            crm_csv.keys_of(unprocessed, key),
        )
    except crm_csv.CsvError as error:
        raise not_salesforce(f"results of a job that cannot be read ({error})") from None


def _sent(
    client: Client,
    method: str,
    below: str,
    headers: dict[str, str],
    body: bytes | None = None,
) -> requests.Response:
    """Send a request with the client's token; the session raises what is refused."""
    headers = {**client.headers, **headers}
    return client.session.request(method, client.base_url + below, headers=headers, data=body)
