"""Writes sigv4.json: requests and the Authorization header that botocore (PyPI, 1.40) signs them with.

Run it to make the file anew, in an environment with botocore: python3 tests/vectors/sigv4.py
"""
import datetime
import json
import pathlib
from unittest import mock

import botocore
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TIME = datetime.datetime(2015, 8, 30, 12, 36, 0)
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com"
CASES = [
    ("GET", "https://example.amazonaws.com/", {}, "", None),
    ("GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", {}, "", None),
    ("GET", "https://example.amazonaws.com/?Param1=value2&Param1=Value1", {}, "", None),
    ("GET", "https://example.amazonaws.com/?a=%20b&a=&-._~=1", {}, "", None),
    ("GET", "https://example.amazonaws.com/?flag&b=2", {}, "", None),
    ("GET", "https://example.amazonaws.com/a/../b/./c//d/", {}, "", None),
    ("GET", "https://example.amazonaws.com/%E1%88%B4/x%20y", {}, "", None),
    ("GET", "https://example.amazonaws.com:443/", {}, "", None),
    ("GET", "http://localhost:8123/x", {}, "", None),
    ("POST", "https://example.amazonaws.com/", {"My-Header": "  a   b  c "}, "", None),
    ("POST", "https://example.amazonaws.com/", {"content-type": "application/x-www-form-urlencoded"}, "Param1=value1", None),
    ("POST", BEDROCK + "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/invoke", {"content-type": "application/json"}, '{"max_tokens":1}', None),
    ("POST", BEDROCK + "/model/anthropic.claude-sonnet-4-20250514-v1:0/invoke-with-response-stream", {"content-type": "application/json"},
     '{"x":"äöü \\u4f60"}', "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQW=="),
    ("POST", BEDROCK + "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fx/invoke", {"content-type": "application/json"}, "{}", None),
]


class FixedTime(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return TIME

    @classmethod
    def now(cls, tz=None):
        return TIME.replace(tzinfo=tz)


def main():
    rows = []
    for method, url, headers, body, token in CASES:
        credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
        request = AWSRequest(method=method, url=url, headers=dict(headers), data=body.encode())
        signer = botocore.auth.SigV4Auth(credentials, "bedrock", "us-east-1")
        with mock.patch("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: TIME, create=True), \
                mock.patch("botocore.auth.datetime", mock.Mock(datetime=FixedTime, timezone=datetime.timezone)):
            signer.add_auth(request)
        rows.append({"method": method, "url": url, "headers": headers, "body": body, "token": token or "",
                     "date": request.headers["X-Amz-Date"], "authorization": request.headers["Authorization"]})
    out = {"source": f"botocore {botocore.__version__}", "access_key_id": "AKIDEXAMPLE",
           "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "region": "us-east-1", "service": "bedrock", "time_us": int(
               TIME.replace(tzinfo=datetime.UTC).timestamp() * 1_000_000), "cases": rows}
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
